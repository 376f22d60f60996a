import type { TokenRules } from '../dialects/dialect.ts'
import { FhirAuthError } from '../errors.ts'
import { wholeSeconds } from '../shared/whole-seconds.ts'

/** A checked token response (RFC 6749 §5.1, SMART App Launch 2.2 "Access token response"). */
export interface TokenResponse {
  readonly accessToken: string
  /** When the token expires, in milliseconds since the epoch. */
  readonly expiresAt: number
  readonly lifetimeSeconds: number
  /** The granted scope, or the requested one if the server does not say (RFC 6749 §5.1). */
  readonly scope: string
  readonly refreshToken: string | undefined
  /** Not verified yet. */
  readonly idToken: string | undefined
  /** Every other member: launch context and extensions. */
  readonly members: Readonly<Record<string, unknown>>
  /** Names of members that cannot be read. They count as missing. */
  readonly unread: readonly string[]
}

const OWN_MEMBERS = new Set(['access_token', 'token_type', 'expires_in', 'scope', 'refresh_token', 'id_token'])

/** More than `b64token` (RFC 6750 §2.1), but safe in a header. Other characters would break a request, and show in its error. */
const HEADER_SAFE = /^[\x21-\x7e]+$/

/** A year. A longer lifetime is probably a mistake in the unit, and is cut to this. */
const MAX_LIFETIME_SECONDS = 365 * 24 * 3600

/**
 * @param requestedAt - when the request was sent, in milliseconds since the epoch; the lifetime counts from then
 * @param requestedScope - the requested scope
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
    refuse('has no usable access_token', ' Check the token endpoint, and show the vendor this message.')
  }
  // Case does not matter (RFC 6749 §5.1): SMART's own examples have "Bearer" and "bearer".
  const type = token_type ?? (rules.assumeBearer ? 'Bearer' : undefined)
  if (!isBearer(type, rules)) {
    // Only a short word is shown, because a server may put anything here, even a secret.
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

/** Numbers as strings are accepted. A lifetime of less than a second counts as missing. */
function readLifetime(value: unknown): number | undefined {
  const seconds = wholeSeconds(typeof value === 'string' && value.trim() !== '' ? Number(value) : value)
  return seconds === undefined || seconds < 1 ? undefined : Math.min(seconds, MAX_LIFETIME_SECONDS)
}

/** Whether a member is present and not a string. */
function isOfOtherType(value: unknown): boolean {
  return value !== undefined && value !== null && typeof value !== 'string'
}

/** Whether a server names no lifetime: the member is missing, or a number below one. */
function isNoLifetime(value: unknown): boolean {
  return value === undefined || value === null || (typeof value !== 'object' && Number(value) < 1)
}

/** Only a missing scope means "as requested" (RFC 6749 §5.1). Any other value must be a string or a list of strings. */
function readScope(value: unknown, requested: string): string {
  if (value === undefined) return requested
  if (typeof value === 'string') return value
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(' ')
  return refuse('has a scope that is neither a string nor a list of strings')
}

function refuse(fault: string, remedy = ''): never {
  throw new FhirAuthError('invalid_token_response', `The token response ${fault}.${remedy}`)
}
