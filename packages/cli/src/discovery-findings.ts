import { networkOf } from '@fhir-auth/core/internal'
import type { ServerMetadata } from '@fhir-auth/core/protocol'
import type { Finding } from './finding.ts'
import type { SourceReport } from './source-report.ts'

/**
 * What is wrong with a server's discovery documents, and what it means for an app.
 *
 * @param metadata - the metadata that the library reads from them; undefined if it finds no token endpoint
 */
export function findInServer(sources: readonly SourceReport[], metadata: ServerMetadata | undefined): Finding[] {
  return [
    ...sources.flatMap(findInSource),
    ...disagreements(sources),
    ...(metadata === undefined ? [NO_TOKEN_ENDPOINT] : findInMetadata(metadata)),
  ]
}

const NO_TOKEN_ENDPOINT: Finding = {
  code: 'no_token_endpoint',
  level: 'error',
  what: 'No source gives a usable token endpoint.',
  meaning: 'The app cannot get a token. Check the FHIR base URL, or set metadata.token_endpoint from the manual.',
}

function findInSource(source: SourceReport): Finding[] {
  const { document, url, found, status, reason, fault, isForeign, contentType } = source
  if (url === undefined) return []
  if (!found) {
    const what = `${document}: ${reason}`
    if (isForeign) {
      return [
        warning(
          'wrong_issuer',
          what,
          'The document is another server’s (OpenID Connect Discovery §4.3) and is not used.',
        ),
      ]
    }
    if (fault) return [warning(fault.code, what, `The document is not used. ${fault.remedy}`)]
    if (document === 'smart-configuration') {
      const meaning =
        'SMART App Launch 2.2 requires it. Without it the app knows neither capabilities nor PKCE support.'
      return [warning(status === 200 ? 'not_json' : 'missing_document', what, meaning)]
    }
    // The other two are optional.
    return []
  }
  const findings = endpointsOf(source).flatMap((endpoint) => findInEndpoint(endpoint, document))
  const expected = document === 'CapabilityStatement' ? /[/+]json\b/i : /^application\/json\b/i
  if (!expected.test(contentType ?? '')) {
    const what = `${document}: the content type is ${contentType ?? 'missing'}.`
    findings.push(warning('content_type', what, 'This library reads it all the same; others do not.'))
  }
  return findings
}

interface Endpoint {
  readonly name: string
  readonly value: string
  readonly base: string
}

function endpointsOf({ content, base }: SourceReport): Endpoint[] {
  return Object.entries(content).flatMap(([name, value]) =>
    /_endpoint$|^jwks_uri$/.test(name) && typeof value === 'string' ? [{ name, value, base }] : [],
  )
}

function findInEndpoint({ name, value, base }: Endpoint, document: string): Finding[] {
  const what = (fault: string) => `${document}: ${name} ${fault}: ${value.slice(0, 200)}`
  const directory = base.endsWith('/') ? base : `${base}/`
  if (!URL.canParse(value, directory)) {
    return [warning('invalid_url', what('is no URL'), 'The library leaves it out.')]
  }
  const findings: Finding[] = []
  if (!URL.canParse(value)) {
    const meaning = `The library takes it as ${new URL(value, directory).href}; other clients may not.`
    findings.push(warning('relative_url', what('is relative'), meaning))
  }
  const { protocol, hostname } = new URL(value, directory)
  if (protocol !== 'https:' && !(protocol === 'http:' && networkOf(hostname) === 'loopback')) {
    const meaning =
      'Codes, secrets and tokens would travel in the clear. The library refuses it, and the document with it.'
    findings.push(error('insecure_endpoint', what('is not https'), meaning))
  }
  return findings
}

/** The first source wins; the others show that one of them is out of date. */
function disagreements(sources: readonly SourceReport[]): Finding[] {
  const found = sources.filter((source) => source.found)
  return ['authorization_endpoint', 'token_endpoint'].flatMap((name) => {
    const values = found.flatMap((source) =>
      endpointsOf(source)
        .filter((endpoint) => endpoint.name === name)
        .map(({ value }) => ({ value, document: source.document })),
    )
    const [first] = values
    const other = values.find(({ value }) => value !== first?.value)
    if (!first || !other) return []
    const what = `${name} is ${first.value} in ${first.document}, but ${other.value} in ${other.document}.`
    return [warning('endpoints_differ', what, `The library uses the first. Where it fails, try the other.`)]
  })
}

function findInMetadata(metadata: ServerMetadata): Finding[] {
  const { capabilities, issuer, jwks_uri } = metadata
  const grants = metadata.grant_types_supported
  const algorithms = metadata.token_endpoint_auth_signing_alg_values_supported
  const findings = [...findInPkce(metadata)]
  if (metadata.authorization_endpoint === undefined) {
    const meaning = 'No person can log in; backend services work.'
    findings.push(warning('no_authorization_endpoint', 'There is no authorization endpoint.', meaning))
  }
  if (capabilities === undefined) {
    const meaning = 'The app cannot tell what the server can do: rely on its manual. Nothing is refused for it.'
    findings.push(warning('no_capabilities', 'The server lists no capabilities.', meaning))
  }
  if (capabilities?.includes('sso-openid-connect') && (issuer === undefined || jwks_uri === undefined)) {
    const missing = [issuer === undefined && 'issuer', jwks_uri === undefined && 'jwks_uri']
      .filter(Boolean)
      .join(' and ')
    const meaning = `An id_token cannot be verified: set metadata.issuer and metadata.jwks_uri, or do not ask for openid.`
    findings.push(warning('no_openid_members', `The server offers sso-openid-connect without ${missing}.`, meaning))
  }
  if (grants && !grants.includes('client_credentials')) {
    const what = 'grant_types_supported does not list client_credentials.'
    findings.push(warning('no_client_credentials', what, 'Backend services may not work here: ask the vendor.'))
  }
  if (algorithms && !algorithms.some((alg) => alg === 'RS384' || alg === 'ES384')) {
    const what = `For assertions the server lists ${algorithms.join(', ') || 'nothing'}, neither RS384 nor ES384.`
    findings.push(
      warning(
        'algorithms',
        what,
        'SMART requires both. Your key must be of an algorithm that is listed; fhir-auth keygen --alg RS256 makes one for servers that take nothing else.',
      ),
    )
  }
  return findings
}

function findInPkce({ code_challenge_methods_supported: methods, authorization_endpoint }: ServerMetadata): Finding[] {
  if (authorization_endpoint === undefined) return []
  if (methods === undefined || methods.length === 0) {
    const meaning = 'The library sends PKCE S256 all the same, as servers must ignore what they do not know.'
    return [warning('pkce_missing', 'The server does not advertise PKCE.', meaning)]
  }
  if (!methods.includes('S256')) {
    const meaning = 'SMART requires S256. A login fails, as nothing weaker is used: ask the vendor.'
    return [error('pkce_without_s256', `The server lists PKCE ${methods.join(', ')}, without S256.`, meaning)]
  }
  if (!methods.includes('plain')) return []
  const meaning = 'SMART forbids servers to support it. The library never uses it.'
  return [warning('pkce_plain', 'The server supports PKCE "plain".', meaning)]
}

function error(code: string, what: string, meaning: string): Finding {
  return { code, level: 'error', what, meaning }
}

function warning(code: string, what: string, meaning: string): Finding {
  return { code, level: 'warning', what, meaning }
}
