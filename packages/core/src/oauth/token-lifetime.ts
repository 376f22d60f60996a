/** A token is renewed this long before it expires: a tenth of its lifetime, at most a minute. */
const EARLY_SECONDS = 60
const EARLY_SHARE = 0.1
/** A token is no longer used shortly before its end, because a request takes time. */
const MARGIN_SECONDS = 5
const MARGIN_SHARE = 0.02

export interface Lifetime {
  /** In milliseconds since the epoch. */
  readonly expiresAt: number
  readonly lifetimeSeconds: number
}

/** Until when the token may be sent, in milliseconds since the epoch. */
export function usableUntil({ expiresAt, lifetimeSeconds }: Lifetime): number {
  return expiresAt - Math.min(MARGIN_SECONDS, lifetimeSeconds * MARGIN_SHARE) * 1000
}

/** When it is time to get the next one, in milliseconds since the epoch. */
export function renewalDueAt({ expiresAt, lifetimeSeconds }: Lifetime): number {
  return expiresAt - Math.min(EARLY_SECONDS, lifetimeSeconds * EARLY_SHARE) * 1000
}

/** Whether the token may still be sent. */
export function isUsable(token: Lifetime, now: number): boolean {
  return now < usableUntil(token)
}

/** Whether it is time to get the next one. */
export function isDueForRenewal(token: Lifetime, now: number): boolean {
  return now >= renewalDueAt(token)
}
