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

/** A login under way: what its callback is checked against, and where the person goes afterwards. */
export interface PendingLogin {
  readonly checks: KeptChecks
  readonly isEhrLaunch: boolean
  readonly returnTo: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
}

/** What this browser has of a login: the login itself, or why it has none. */
export type FoundLogin = PendingLogin | 'no cookie' | 'not ours'

/** More logins at once than this in one browser are leftovers: the oldest go. */
const MAX_AT_ONCE = 6
/** Browsers drop a longer one without a word (RFC 6265 §6.1). */
const MAX_COOKIE_LENGTH = 4096
/** Of all logins of one browser together: proxies refuse a `Cookie` header beyond 8 KB. */
const MAX_TOGETHER = 7000
/** The cookie outlives its login by this, so that whoever comes too late is told so. */
const KEPT_SECONDS = 3600

/**
 * Logins under way, each in an encrypted cookie named by its state: bound to the browser, side by side in several tabs,
 * single-use and expiring. The server keeps nothing until the callback, so nobody can fill it with logins.
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
   * @returns undefined where it is too long for a cookie
   */
  async begin(login: PendingLogin, cookieHeader: string | undefined): Promise<string[] | undefined> {
    const sealed = await this.#sealer.seal(login)
    const seconds = this.#lifetimeSeconds + KEPT_SECONDS
    const cookie = setCookie(this.#nameFor(login.checks.state), sealed, seconds, this.#policy)
    if (cookie.length > MAX_COOKIE_LENGTH) return undefined
    return [...this.#leftovers(cookieHeader, cookie.length).map((name) => clearCookie(name, this.#policy)), cookie]
  }

  /** The oldest logins, as many as there must be less of. */
  #leftovers(cookieHeader: string | undefined, added: number): string[] {
    const names = cookieNames(cookieHeader, this.#prefix)
    let length = added
    const kept = [...names].reverse().findIndex((name, index) => {
      length += name.length + (readCookie(cookieHeader ?? '', name)?.length ?? 0)
      return index === MAX_AT_ONCE - 1 || length > MAX_TOGETHER
    })
    return kept < 0 ? [] : names.slice(0, names.length - kept)
  }

  /** The login of this browser that a callback with this state belongs to, perhaps one that has taken too long. */
  async find(state: string, cookieHeader: string | undefined): Promise<FoundLogin> {
    const sealed = cookieHeader && readCookie(cookieHeader, this.#nameFor(state))
    if (!sealed) return 'no cookie'
    const login = await this.#open(sealed)
    return login?.checks.state === state ? login : 'not ours'
  }

  /** Whether this browser has another login under way. */
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

  /** The cookie that ends a login, whatever became of it. */
  end(state: string): string {
    return clearCookie(this.#nameFor(state), this.#policy)
  }

  async #open(sealed: string): Promise<PendingLogin | undefined> {
    return (await this.#sealer.open(sealed)) as PendingLogin | undefined // sealed here, for this purpose alone
  }

  #secondsLeft({ startedAt }: PendingLogin): number {
    return this.#lifetimeSeconds - (this.#now() - startedAt) / 1000
  }

  /** Only what a cookie name may contain: the state in a callback comes from outside. */
  #nameFor(state: string): string {
    return this.#prefix + state.replace(/[^\w-]/g, '').slice(0, 43)
  }
}
