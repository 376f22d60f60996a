import { FhirAuthError } from '../errors.ts'
import type { AuthorizationChecks } from '../oauth/authorization-request.ts'
import { refuseOption } from '../options.ts'
import {
  type CookiePolicy,
  clearCookie,
  cookieName,
  cookieNames,
  readCookie,
  setCookie,
} from '../session/cookie-header.ts'
import type { Sealer } from '../store/sealing.ts'

/** A login under way: what its callback is checked against, and where the person goes afterwards. */
export interface PendingLogin {
  readonly checks: AuthorizationChecks
  readonly isEhrLaunch: boolean
  readonly returnTo: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
}

/** More logins at once than this in one browser are leftovers: the oldest go, before the header grows too large. */
const MAX_AT_ONCE = 6
/** Browsers drop a longer one without a word (RFC 6265 §6.1). */
const MAX_COOKIE_LENGTH = 4096

/**
 * Logins under way, each in an encrypted cookie named by its state: bound to the browser, side by side in several tabs,
 * single-use and expiring. The server keeps nothing until the callback.
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

  /** The cookies that start a login. */
  async begin(login: PendingLogin, cookieHeader: string | undefined): Promise<string[]> {
    const sealed = await this.#sealer.seal(login)
    const cookie = setCookie(this.#nameFor(login.checks.state), sealed, this.#lifetimeSeconds, this.#policy)
    if (cookie.length > MAX_COOKIE_LENGTH) {
      refuseOption(
        'scope is so long that the login does not fit into a cookie of 4096 bytes. Ask for fewer scopes, or for wildcards such as patient/*.rs.',
      )
    }
    const leftovers = cookieNames(cookieHeader, this.#prefix).slice(0, -(MAX_AT_ONCE - 1))
    return [...leftovers.map((name) => clearCookie(name, this.#policy)), cookie]
  }

  /**
   * The login that a callback with this state belongs to.
   *
   * @throws `state_mismatch` when this browser has not started it, `transaction_expired`
   */
  async find(state: string, cookieHeader: string | undefined): Promise<PendingLogin> {
    const sealed = cookieHeader && readCookie(cookieHeader, this.#nameFor(state))
    const content = sealed ? await this.#sealer.open(sealed) : undefined
    const login = content as PendingLogin | undefined
    if (login?.checks.state !== state) {
      throw new FhirAuthError(
        'state_mismatch',
        'This browser has not started this login, or blocked its cookie. Start the login from the app again.',
      )
    }
    if (this.#now() - login.startedAt > this.#lifetimeSeconds * 1000) {
      throw new FhirAuthError(
        'transaction_expired',
        `The login took longer than ${Math.round(this.#lifetimeSeconds / 60)} minutes. Start it again.`,
      )
    }
    return login
  }

  /** How many logins this browser has under way. */
  countIn(cookieHeader: string | undefined): number {
    return cookieNames(cookieHeader, this.#prefix).length
  }

  /** The cookie that ends a login, whatever became of it. */
  end(state: string): string {
    return clearCookie(this.#nameFor(state), this.#policy)
  }

  /** Only what a cookie name may contain: the state in a callback comes from outside. */
  #nameFor(state: string): string {
    return this.#prefix + state.replace(/[^\w-]/g, '').slice(0, 43)
  }
}
