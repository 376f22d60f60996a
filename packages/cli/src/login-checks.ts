import { FhirAuthError, ScopeSet } from '@fhir-auth/core'
import { checkRedirectUri, ID_TOKEN_ALGORITHMS, jsonObject, sendBounded } from '@fhir-auth/core/internal'
import { examineServer, type LaunchClient, requireEndpoint, type ServerMetadata } from '@fhir-auth/core/protocol'
import type { Check } from './check.ts'
import { networkFaultOf } from './network-fault.ts'
import { recordingFetch } from './recording-fetch.ts'
import type { Settings } from './settings.ts'

/**
 * The form of the redirect URI, and whether another registration of the app has the same.
 *
 * @param others - the app's other registrations
 */
export function checkRedirect(settings: Settings, others: readonly Settings[]): Check {
  const redirectUri = settings.redirectUri?.value ?? ''
  const fault = faultOfRedirectUri(redirectUri)
  if (fault !== undefined) return check('redirect', 'red', fault)
  const { href } = new URL(redirectUri)
  const sharing = others.filter(({ redirectUri: other }) => other && hrefOf(other.value) === href)
  if (sharing.length === 0) return check('redirect', 'green', redirectUri)
  const servers = sharing.map(({ fhirBaseUrl }) => fhirBaseUrl?.value ?? 'another server').join(', ')
  const isPublic = [settings, ...sharing].some(({ clientSecret, privateJwks }) => !clientSecret && !privateJwks)
  const own = new URL(href)
  own.searchParams.set('server', 'a')
  return check('redirect', isPublic ? 'red' : 'amber', `${redirectUri} is also that of the client at ${servers}.`, [
    `One server could get the codes of another (RFC 9700 §4.4). Register a redirect URI for each, such as ${own.href}`,
    ...(isPublic
      ? ['One of the clients is public, so the app does not start, unless allowSharedRedirectUri: true accepts it.']
      : []),
  ])
}

function faultOfRedirectUri(redirectUri: string): string | undefined {
  if (redirectUri.includes('*')) {
    return 'redirectUri has a wildcard in it. Write out the one URL that is registered (RFC 9700 §4.1.3).'
  }
  try {
    checkRedirectUri(redirectUri)
    return undefined
  } catch (error) {
    if (error instanceof FhirAuthError) return error.message
    throw error
  }
}

function hrefOf(url: string): string {
  return URL.canParse(url) ? new URL(url).href : url
}

/** What a launch finds of the server; undefined where it finds too little. */
export async function loginMetadata(client: LaunchClient): Promise<ServerMetadata | undefined> {
  const { fhirBaseUrl, metadata, dialect } = client
  const target = { fhirBaseUrl, metadata, discovery: dialect.discovery }
  const needed = ['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'issuer'] as const
  const examination = await examineServer(target, needed, {})
  return examination.failure === undefined ? examination.metadata : undefined
}

/** Whether the app can check who has logged in: issuer, its keys, and algorithms (OpenID Connect Core §3.1.3.7). */
export async function checkIssuer(client: LaunchClient, metadata: ServerMetadata): Promise<Check> {
  const { idToken } = client.dialect
  if (!ScopeSet.parse(client.scope).has('openid')) return skipped('the scope has no openid')
  if (idToken.mode === 'ignore') return skipped(`${client.dialect.name} ignores id_tokens`)
  const issuer = idToken.issuer ?? metadata.issuer
  if (issuer === undefined) {
    const { unboundIssuer } = metadata
    return unboundIssuer === undefined
      ? check('issuer', 'red', 'The server names no issuer, so nobody can check its id_tokens.', [
          'Set metadata.issuer of the registration from the manual, or take openid and fhirUser out of the scope.',
        ])
      : check(
          'issuer',
          'red',
          `The server names the issuer ${unboundIssuer}, whose own document does not confirm it.`,
          ['If it is right, set metadata.issuer of the registration to it, and --issuer here.'],
        )
  }
  const name = typeof issuer === 'string' ? issuer : 'the issuer that the dialect tells'
  if (idToken.mode === 'decode') return check('issuer', 'green', `${name}; the dialect checks no signature`)
  const listed = metadata.id_token_signing_alg_values_supported
  if (listed && !listed.some((alg) => ID_TOKEN_ALGORITHMS.includes(alg))) {
    return check('issuer', 'red', `${name} signs id_tokens with ${listed.join(', ') || 'nothing'} only.`, [
      `An app takes ${ID_TOKEN_ALGORITHMS.join(', ')}: ask the vendor, or take openid out of the scope.`,
    ])
  }
  return checkKeysOf(name, metadata, listed)
}

async function checkKeysOf(name: string, metadata: ServerMetadata, listed: readonly string[] | undefined) {
  const { fetch, exchanges } = recordingFetch()
  try {
    const url = requireEndpoint(metadata, 'jwks_uri')
    const answer = await sendBounded({ method: 'GET', url, headers: { accept: 'application/json' } }, { fetch })
    if (answer.status !== 200)
      return check('issuer', 'red', `The keys of ${name}: ${url} answered ${answer.status}.`, ASK)
    const count = signatureKeys(jsonObject(answer).keys)
    if (count === 0)
      return check('issuer', 'red', `The keys of ${name}: there is no key for signatures at ${url}.`, ASK)
    const algorithms = listed ? `, id_tokens: ${listed.join(', ')}` : ''
    return check('issuer', 'green', `${name} has ${count === 1 ? '1 key' : `${count} keys`}${algorithms}`)
  } catch (error) {
    if (!(error instanceof FhirAuthError)) throw error
    const fault = networkFaultOf(error, exchanges[0])
    return check('issuer', 'red', `The keys of ${name}: ${error.message}`, fault ? [fault.remedy] : PIN_KEYS)
  }
}

const ASK = ['No id_token can be checked: ask the vendor, or take openid and fhirUser out of the scope.']
const PIN_KEYS = ['Set metadata.jwks_uri of the registration from the manual, or take openid out of the scope.']

function signatureKeys(keys: unknown): number {
  if (!Array.isArray(keys)) return 0
  const isUsable = (key: unknown): boolean => {
    if (typeof key !== 'object' || key === null) return false
    const { kty, use } = key as Record<string, unknown> // any object has string keys
    return ['RSA', 'EC', 'OKP'].includes(String(kty)) && (use === undefined || use === 'sig')
  }
  return keys.filter(isUsable).length
}

function check(name: Check['name'], status: Check['status'], summary: string, details: readonly string[] = []): Check {
  return { name, status, summary, details }
}

function skipped(why: string): Check {
  return check('issuer', 'skipped', `not checked: ${why}`)
}
