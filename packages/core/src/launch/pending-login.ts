import { FhirAuthError } from '../errors.ts'
import {
  type CookiePolicy,
  clearCookie,
  cookieName,
  cookieNames,
  readCookie,
  setCookie,
} from '../session/cookie-header.ts'
import type { Sealer } from '../store/sealing.ts'
import type { KeptChecks } from './kept-checks.ts'

/** A login in progress: what its callback is checked against, and where the person goes afterwards. */
export interface PendingLogin {
  readonly checks: KeptChecks
  readonly isEhrLaunch: boolean
  readonly returnTo: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
}

/** The login that a callback belongs to, or why this browser has none. */
export type FoundLogin = PendingLogin | 'no cookie' | 'not ours'

/** How many logins one browser may have in progress. Beyond that, the oldest are dropped. */
const MAX_AT_ONCE = 6
/** Browsers silently drop a longer one (RFC 6265 §6.1). */
const MAX_COOKIE_LENGTH = 4096
/** All logins of one browser together: proxies refuse a `Cookie` header of more than 8 KB. */
const MAX_TOGETHER = 7000
/** How long the cookie is kept after the login has expired, so that a late callback gets the right message. */
const KEPT_SECONDS = 3600

/**
 * Logins in progress, each in an encrypted cookie that is named by its state. So they are bound to the browser, expire, and
 * do not disturb each other in several tabs. The server stores nothing before the callback, so nobody can fill its store.
 */
export class PendingLogins {
  readonly #sealer: Sealer
  readonly #policy: CookiePolicy
  readonly #prefix: string
  readonly #lifetimeSeconds: number
  readonly #now: () => number

  constructor(sealer: Sealer, policy: CookiePolicy, lifetimeSeconds: number, now: () => number) {
    this.#sealer = sealer
    this.#policy = policy
    this.#prefix = `${cookieName('fhir-auth.login', policy)}.`
    this.#lifetimeSeconds = lifetimeSeconds
    this.#now = now
  }

  /**
   * The cookies that start a login.
   *
   * @returns undefined if it is too long for a cookie
   */
  async begin(login: PendingLogin, cookieHeader: string | undefined): Promise<string[] | undefined> {
    const sealed = await this.#sealer.seal(login)
    const seconds = this.#lifetimeSeconds + KEPT_SECONDS
    const cookie = setCookie(this.#nameFor(login.checks.state), sealed, seconds, this.#policy)
    if (cookie.length > MAX_COOKIE_LENGTH) return undefined
    return [...this.#leftovers(cookieHeader, cookie.length).map((name) => clearCookie(name, this.#policy)), cookie]
  }

  /** The oldest logins, which must be dropped to stay within the limits. */
  #leftovers(cookieHeader: string | undefined, added: number): string[] {
    const names = cookieNames(cookieHeader, this.#prefix)
    let length = added
    const kept = [...names].reverse().findIndex((name, index) => {
      length += name.length + (readCookie(cookieHeader ?? '', name)?.length ?? 0)
      return index === MAX_AT_ONCE - 1 || length > MAX_TOGETHER
    })
    return kept < 0 ? [] : names.slice(0, names.length - kept)
  }

  /** The login of this browser with this state. It may have expired. */
  async find(state: string, cookieHeader: string | undefined): Promise<FoundLogin> {
    const sealed = cookieHeader && readCookie(cookieHeader, this.#nameFor(state))
    if (!sealed) return 'no cookie'
    const login = await this.#open(sealed)
    return login?.checks.state === state ? login : 'not ours'
  }

  /** Whether this browser has another login in progress. */
  async hasOthers(state: string, cookieHeader: string | undefined): Promise<boolean> {
    const names = cookieNames(cookieHeader, this.#prefix).filter((name) => name !== this.#nameFor(state))
    const others = await Promise.all(names.map((name) => this.#open(readCookie(cookieHeader ?? '', name) ?? '')))
    return others.some((login) => login !== undefined && this.#secondsLeft(login) >= 0)
  }

  /**
   * How long a login may still take, in seconds.
   *
   * @throws `transaction_expired`
   */
  secondsLeft(login: PendingLogin): number {
    const seconds = this.#secondsLeft(login)
    if (seconds >= 0) return seconds
    throw new FhirAuthError(
      'transaction_expired',
      `The login took longer than ${Math.round(this.#lifetimeSeconds / 60)} minutes. Start it again.`,
    )
  }

  /** The header value that removes the cookie of a login. */
  end(state: string): string {
    return clearCookie(this.#nameFor(state), this.#policy)
  }

  async #open(sealed: string): Promise<PendingLogin | undefined> {
    return (await this.#sealer.open(sealed)) as PendingLogin | undefined // sealed by begin()
  }

  #secondsLeft({ startedAt }: PendingLogin): number {
    return this.#lifetimeSeconds - (this.#now() - startedAt) / 1000
  }

  /** Keeps only characters that a cookie name may contain, because the state of a callback comes from outside. */
  #nameFor(state: string): string {
    return this.#prefix + state.replace(/[^\w-]/g, '').slice(0, 43)
  }
}
