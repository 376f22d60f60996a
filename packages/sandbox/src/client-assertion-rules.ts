import type { SandboxState } from './sandbox-state.ts'

/** The longest life of an assertion (SMART App Launch 2.2 "Authentication JWT claims": five minutes). */
const longestAssertionSeconds = 5 * 60

/** The fault of a client assertion under rules beyond OAuth's; undefined if there is none. */
export function assertionProblem(
  claims: Record<string, unknown>,
  header: Record<string, unknown>,
  tokenEndpoint: string,
): string | undefined {
  if (header.typ !== 'JWT') return 'the assertion header must have typ JWT'
  if (typeof header.kid !== 'string') return 'the assertion header must have a kid'
  if (claims.sub !== claims.iss) return 'sub and iss of the assertion must both be the client_id'
  if (claims.aud !== tokenEndpoint) return `aud of the assertion must be the string ${tokenEndpoint}`
  if (!Number.isInteger(claims.exp)) return 'exp of the assertion must be a whole number of seconds'
  // a few seconds of leeway for clocks that differ
  if (Number(claims.exp) > Date.now() / 1000 + longestAssertionSeconds + 5) {
    return 'exp of the assertion is more than five minutes ahead'
  }
  return undefined
}

export interface DecodedJwt {
  header: Record<string, unknown>
  claims: Record<string, unknown>
}

/** Reads a JWT without verifying it; undefined when it is not one. */
export function decodeJwt(jwt: unknown): DecodedJwt | undefined {
  if (typeof jwt !== 'string') return undefined
  try {
    const [header, claims] = jwt
      .split('.')
      .slice(0, 2)
      .map((part): unknown => JSON.parse(Buffer.from(part, 'base64url').toString()))
    return isObject(header) && isObject(claims) ? { header, claims } : undefined
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Life of a backend token. InteliChart lets the assertion ask for it, in minutes. */
export function requestedTokenSeconds(state: SandboxState, assertion: unknown): number {
  const minutes = state.mode === 'intelichart' ? decodeJwt(assertion)?.claims.accessTokensExpireIn : undefined
  return typeof minutes === 'number' ? minutes * 60 : state.accessTokenSeconds
}
