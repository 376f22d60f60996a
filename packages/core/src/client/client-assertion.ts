import type { AssertionRules, DialectContext, GrantType } from '../dialects/dialect.ts'
import { FhirAuthError } from '../errors.ts'
import type { KeySet } from './key-set.ts'

/** What an assertion is made for: one request to one token endpoint. */
export interface AssertionTarget {
  readonly clientId: string
  readonly fhirBaseUrl: string
  readonly tokenEndpoint: string
  readonly issuer: string | undefined
  readonly grantType: GrantType
  /** `token_endpoint_auth_signing_alg_values_supported`, where the server publishes it. */
  readonly acceptedAlgorithms: readonly string[] | undefined
}

/**
 * Signs a new one-time authentication JWT (SMART App Launch 2.2 "Client Authentication: Asymmetric", RFC 7523 §3).
 * Each call has its own `jti`.
 *
 * @param nowSeconds - the present, in seconds since the epoch
 * @throws `invalid_key` when no key fits the server's algorithms, `token_unavailable` when an external signer fails,
 *   `unsupported_by_server` when the issuer is unknown but wanted
 */
export async function signClientAssertion(
  keys: KeySet,
  target: AssertionTarget,
  rules: AssertionRules,
  nowSeconds: number,
): Promise<string> {
  await keys.refresh(nowSeconds * 1000)
  const accepted = target.acceptedAlgorithms?.length ? target.acceptedAlgorithms : rules.algorithms
  const key = keys.signingKey(accepted, nowSeconds * 1000)
  const header = { alg: key.alg, typ: rules.typ, kid: key.kid, ...(rules.jku !== undefined && { jku: rules.jku }) }
  return key.signJwt(header, assertionClaims(target, rules, Math.floor(nowSeconds)))
}

function assertionClaims(target: AssertionTarget, rules: AssertionRules, issuedAt: number): Record<string, unknown> {
  const context: DialectContext = target
  const claims: Record<string, unknown> = {
    ...rules.claims(context),
    iss: target.clientId,
    sub: target.clientId,
    aud: assertionAudience(target, rules),
    iat: issuedAt,
    exp: issuedAt + Math.floor(rules.lifetimeSeconds),
    jti: crypto.randomUUID(),
  }
  for (const name of rules.omitClaims) delete claims[name]
  return claims
}

/** A string, never an array: servers compare it literally. */
function assertionAudience(target: AssertionTarget, { audience }: AssertionRules): string {
  if (typeof audience === 'object') return audience.literal
  if (audience === 'fhir_base') return target.fhirBaseUrl
  if (audience === 'issuer') {
    if (target.issuer !== undefined) return target.issuer
    throw new FhirAuthError(
      'unsupported_by_server',
      'The dialect wants the issuer as audience of the assertion, but the server publishes none. Set metadata.issuer.',
    )
  }
  return target.tokenEndpoint
}
