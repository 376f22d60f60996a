import type { TokenRules } from '../dialects/dialect.ts'
import { FhirAuthError } from '../errors.ts'
import { wholeSeconds } from '../shared/whole-seconds.ts'

/** A token response, checked (RFC 6749 §5.1, SMART App Launch 2.2 "Access token response"). */
export interface TokenResponse {
  readonly accessToken: string
  /** When the token expires, in milliseconds since the epoch. */
  readonly expiresAt: number
  readonly lifetimeSeconds: number
  /** As granted; as asked for where the server does not say (RFC 6749 §5.1). */
  readonly scope: string
  readonly refreshToken: string | undefined
  /** Still to be verified. */
  readonly idToken: string | undefined
  /** Every other member: launch context and extensions. */
  readonly members: Readonly<Record<string, unknown>>
  /** Members that are there, but in a form that cannot be read: taken as missing. */
  readonly unread: readonly string[]
}

const OWN_MEMBERS = new Set(['access_token', 'token_type', 'expires_in', 'scope', 'refresh_token', 'id_token'])

/** RFC 6750 §2.1 `b64token`, and what else a header carries safely; anything else would break the request and show in its error. */
const HEADER_SAFE = /^[\x21-\x7e]+$/

/** A year: beyond it a lifetime is taken for a mistake in the unit, and is cut. */
const MAX_LIFETIME_SECONDS = 365 * 24 * 3600

/**
 * @param requestedAt - when the request was sent, in milliseconds: the lifetime may have begun then
 * @param requestedScope - what was asked for
 * @throws `invalid_token_response`
 */
export function readTokenResponse(
  body: Readonly<Record<string, unknown>>,
  rules: TokenRules,
  requestedAt: number,
  requestedScope: string,
): TokenResponse {
  const { access_token, token_type, refresh_token, id_token, scope } = body
  if (typeof access_token !== 'string' || !HEADER_SAFE.test(access_token)) {
    refuse('has no usable access_token')
  }
  // Case does not matter (RFC 6749 §5.1): SMART's own examples have "Bearer" and "bearer".
  const type = token_type ?? (rules.assumeBearer ? 'Bearer' : undefined)
  if (!isBearer(type, rules)) {
    // A short word only: a confused server may put anything here, a secret included.
    const isWord = typeof type === 'string' && /^[\w-]{1,12}$/.test(type)
    const shown = type === undefined ? 'missing' : isWord ? `"${type}"` : 'unreadable'
    const rule = type === undefined ? 'assumeBearer: true' : `acceptedTypes: ['${isWord ? type : '…'}']`
    refuse(
      `has token_type ${shown} instead of Bearer`,
      ` If the vendor says that it is a bearer token, use a dialect with token: { ${rule} }.`,
    )
  }
  const lifetime = readLifetime(body.expires_in)
  const lifetimeSeconds = lifetime ?? rules.defaultLifetimeSeconds
  const unread = ['refresh_token', 'id_token'].filter((name) => isOfOtherType(body[name]))
  if (lifetime === undefined && !isNoLifetime(body.expires_in)) unread.push('expires_in')
  return {
    accessToken: access_token,
    expiresAt: requestedAt + lifetimeSeconds * 1000,
    lifetimeSeconds,
    scope: readScope(scope, requestedScope),
    refreshToken: typeof refresh_token === 'string' && refresh_token !== '' ? refresh_token : undefined,
    idToken: typeof id_token === 'string' && id_token !== '' ? id_token : undefined,
    // fromEntries defines own properties, so a member named __proto__ stays a member.
    members: Object.fromEntries(Object.entries(body).filter(([name]) => !OWN_MEMBERS.has(name))),
    unread,
  }
}

function isBearer(type: unknown, { acceptedTypes }: TokenRules): boolean {
  return (
    typeof type === 'string' && ['bearer', ...acceptedTypes].some((name) => name.toLowerCase() === type.toLowerCase())
  )
}

/** Numbers in strings are tolerated. A lifetime of less than a second is none, and counts as missing. */
function readLifetime(value: unknown): number | undefined {
  const seconds = wholeSeconds(typeof value === 'string' && value.trim() !== '' ? Number(value) : value)
  return seconds === undefined || seconds < 1 ? undefined : Math.min(seconds, MAX_LIFETIME_SECONDS)
}

/** Neither missing nor a text. */
function isOfOtherType(value: unknown): boolean {
  return value !== undefined && value !== null && typeof value !== 'string'
}

/** How servers write that they name no lifetime: nothing at all, or a number below one. */
function isNoLifetime(value: unknown): boolean {
  return value === undefined || value === null || (typeof value !== 'object' && Number(value) < 1)
}

/** RFC 6749 §3.3. Only an absent scope means "as asked": any other value that is no list of texts cannot be understood. */
function readScope(value: unknown, requested: string): string {
  if (value === undefined) return requested
  if (typeof value === 'string') return value
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(' ')
  return refuse('has a scope that is neither text nor a list of texts')
}

function refuse(fault: string, remedy = ''): never {
  throw new FhirAuthError('invalid_token_response', `The token response ${fault}.${remedy}`)
}
