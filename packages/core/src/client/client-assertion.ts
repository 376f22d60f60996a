import type { CertificateHeader, DialectContext } from '../dialects/dialect.ts'
import { FhirAuthError } from '../errors.ts'
import { withTimeLimit } from '../shared/time-limit.ts'
import type { ClientAuthContext } from './client-auth-context.ts'
import type { KeySet } from './keys/key-set.ts'
import type { CertificateHeaders } from './keys/reading/key-certificate.ts'
import { refuseKey } from './keys/refuse-key.ts'
import type { SigningKey } from './keys/signing-key.ts'

/** A signed assertion, and the key that signed it. */
export interface SignedAssertion {
  readonly jwt: string
  readonly kid: string
  readonly alg: string
}

/**
 * Signs a new one-time authentication JWT (SMART App Launch 2.2 "Client Authentication: Asymmetric", RFC 7523 §3).
 * Each call has its own `jti`.
 *
 * @throws `invalid_key` if no key fits the server's algorithms, `token_unavailable` if an external signer fails, `timeout` if
 *   it does not answer, `unsupported_by_server` if the dialect needs the issuer and the server publishes none
 */
export async function signClientAssertion(keys: KeySet, context: ClientAuthContext): Promise<SignedAssertion> {
  const { now, acceptedAlgorithms, assertion: rules, timeoutSeconds } = context
  await keys.refresh(now)
  const key = keys.signingKey(acceptedAlgorithms?.length ? acceptedAlgorithms : rules.algorithms, now)
  const { kid, alg } = key
  const jku = rules.jku === undefined ? {} : { jku: rules.jku }
  const header = { alg, typ: rules.typ, kid, ...jku, ...(await certificateHeaders(key, rules.header)) }
  const sign = () => key.signJwt(header, assertionClaims(context))
  return { jwt: await withTimeLimit(sign, timeoutSeconds, () => lateError(key, timeoutSeconds)), kid, alg }
}

/** @throws `invalid_key` where the key has no certificate, or one of another key */
async function certificateHeaders(
  key: SigningKey,
  wanted: readonly CertificateHeader[],
): Promise<Partial<CertificateHeaders>> {
  if (wanted.length === 0) return {}
  if (key.certificate === undefined) {
    refuseKey(
      `The dialect wants ${wanted.join(', ')} in the header, but the key "${key.kid}" has no certificate. Write x5c into its JWK, or loadKeySet(source, { certificate }).`,
    )
  }
  const { readCertificates } = await import('./keys/reading/key-certificate.ts')
  const headers = await readCertificates(key.certificate, key)
  return Object.fromEntries(wanted.map((name) => [name, headers[name]]))
}

function lateError({ kid, alg }: SigningKey, seconds: number): FhirAuthError {
  return new FhirAuthError(
    'timeout',
    `The signer of the key "${kid}" (${alg}) has not answered for ${seconds} s. Check that it can be reached.`,
  )
}

function assertionClaims(context: ClientAuthContext): Record<string, unknown> {
  const { assertion: rules, clientId } = context
  const request: DialectContext = context
  const issuedAt = Math.floor(context.now / 1000)
  const claims: Record<string, unknown> = {
    ...rules.claims(request),
    iss: clientId,
    sub: clientId,
    aud: assertionAudience(context),
    iat: issuedAt,
    exp: issuedAt + Math.floor(rules.lifetimeSeconds),
    jti: crypto.randomUUID(),
  }
  for (const name of rules.omitClaims) delete claims[name]
  return claims
}

/** A string, never an array, because servers compare it as a string. */
function assertionAudience(context: ClientAuthContext): string {
  const { audience } = context.assertion
  if (typeof audience === 'object') return audience.literal
  if (audience === 'fhir_base') return context.fhirBaseUrl
  if (audience === 'issuer') {
    if (context.issuer !== undefined) return context.issuer
    throw new FhirAuthError(
      'unsupported_by_server',
      'The dialect wants the issuer as audience of the assertion, but the server publishes none. Set metadata.issuer.',
    )
  }
  return context.tokenEndpoint
}
