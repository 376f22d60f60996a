import type { StaticMetadata } from '../client/registration.ts'
import type { DiscoveryRules } from '../dialects/dialect.ts'
import { FhirAuthError } from '../errors.ts'
import { maxAgeSeconds } from '../http/cache-headers.ts'
import { jsonObject } from '../http/json-body.ts'
import { shownUrl } from '../http/secure-url.ts'
import { type HttpOptions, sendBounded } from '../http/send-bounded.ts'
import { shownText } from '../shared/shown-text.ts'
import { endpointsOfCapabilityStatement } from './capability-statement.ts'
import { readMembers, type ServerMetadata } from './server-metadata.ts'

export interface DiscoveryTarget {
  readonly fhirBaseUrl: string
  readonly discovery: DiscoveryRules
  readonly metadata: StaticMetadata
}

/** A member that the flow at hand needs; discovery asks the next source only while one is missing. */
export type NeededMember = 'authorization_endpoint' | 'token_endpoint' | 'jwks_uri' | 'issuer'

export interface Discovered {
  readonly metadata: ServerMetadata
  /** The shortest `max-age` among the documents, in seconds; undefined when none says. */
  readonly maxAgeSeconds: number | undefined
}

/** A CapabilityStatement of a full server runs to megabytes. */
const MAX_DOCUMENT_BYTES = 8 * 1024 * 1024

/**
 * Finds a server's endpoints: smart-configuration below the FHIR base URL (SMART App Launch 2.2 "Conformance"), then
 * openid-configuration of the issuer (OpenID Connect Discovery §4), then the CapabilityStatement (SMART 1.0). Members
 * are merged, earlier sources first; static metadata wins over all of them.
 *
 * @throws `discovery_failed` naming every URL tried and why each failed
 */
export async function discover(
  target: DiscoveryTarget,
  needed: readonly NeededMember[],
  http: HttpOptions,
): Promise<Discovered> {
  const { fhirBaseUrl, discovery } = target
  let members: Record<string, unknown> = definedMembers(target.metadata)
  const sources: string[] = Object.keys(members).length > 0 ? ['configuration'] : []
  const documents: Record<string, unknown>[] = []
  const failures: string[] = []
  const ages: number[] = []
  const lacks = () => needed.filter((name) => members[name] === undefined)

  const consult = async (url: string, accept: string, read: (document: Record<string, unknown>) => object) => {
    try {
      const answer = await sendBounded({ method: 'GET', url, headers: { accept }, maxBytes: MAX_DOCUMENT_BYTES }, http)
      if (answer.status !== 200) throw new FhirAuthError('invalid_response', `it answered ${answer.status}`)
      const document = jsonObject(answer)
      const found = read(document)
      if (Object.keys(found).length === 0) throw new FhirAuthError('invalid_response', 'it names no endpoint')
      members = { ...found, ...members }
      sources.push(url)
      documents.push(document)
      const age = maxAgeSeconds(answer.headers)
      if (age !== undefined) ages.push(age)
    } catch (error) {
      failures.push(`${shownUrl(url)}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  if (lacks().length > 0) {
    const given = typeof discovery.url === 'function' ? discovery.url(fhirBaseUrl) : discovery.url
    const url = given ?? below(fhirBaseUrl, '.well-known/smart-configuration')
    await consult(url, 'application/json', (document) => readMembers(document, fhirBaseUrl))
  }
  const issuer = discovery.issuer ?? (typeof members.issuer === 'string' ? members.issuer : undefined)
  if (lacks().length > 0 && issuer !== undefined) {
    await consult(below(issuer, '.well-known/openid-configuration'), 'application/json', (document) => {
      checkIssuer(document, issuer)
      return readMembers(document, issuer)
    })
  }
  if (
    members.token_endpoint === undefined ||
    (members.authorization_endpoint === undefined && needed.includes('authorization_endpoint'))
  ) {
    await consult(below(fhirBaseUrl, 'metadata'), 'application/fhir+json', (document) =>
      readMembers(endpointsOfCapabilityStatement(document), fhirBaseUrl),
    )
  }

  if (members.token_endpoint === undefined) {
    throw new FhirAuthError(
      'discovery_failed',
      `No token endpoint found for ${shownUrl(fhirBaseUrl)}. Tried ${failures.join('; ') || shownText(sources.join(', '))}. Check fhirBaseUrl, or set metadata.token_endpoint.`,
    )
  }
  const metadata = Object.freeze({ ...members, sources, documents }) as ServerMetadata
  return { metadata, maxAgeSeconds: ages.length > 0 ? Math.min(...ages) : undefined }
}

/** Appended after any path, never at the host's root, whatever slash the base ends with. */
function below(base: string, path: string): string {
  return base.endsWith('/') ? base + path : `${base}/${path}`
}

/** OpenID Connect Discovery §4.3: the document must be that issuer's own. */
function checkIssuer(document: Record<string, unknown>, issuer: string): void {
  if (document.issuer === issuer) return
  const named = typeof document.issuer === 'string' ? `the issuer ${shownText(document.issuer)}` : 'no issuer'
  throw new FhirAuthError('issuer_mismatch', `it names ${named}, not ${shownText(issuer)}`)
}

function definedMembers(metadata: StaticMetadata): Record<string, unknown> {
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== undefined))
}
