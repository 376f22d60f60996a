import { FhirAuthError } from '../errors.ts'
import { type CookiePolicy, clearCookie, cookieName, readCookie, setCookie } from '../session/cookie-header.ts'

/** A login without any input is finished within this time. A person who types a password takes longer. */
const ROUND_SECONDS = 15
const MAX_ROUNDS = 4

/**
 * Stops endless login loops, by counting logins in quick succession. Such a loop occurs if the session of a login is not
 * found: the page redirects to the login, and a server that asks the person nothing redirects back at once.
 */
export class LoginLoopGuard {
  readonly #name: string
  readonly #policy: CookiePolicy
  readonly #isInMemory: boolean

  /** @param isInMemory - whether only this process has the sessions */
  constructor(policy: CookiePolicy, isInMemory: boolean) {
    this.#name = cookieName('fhir-auth.rounds', policy)
    this.#policy = policy
    this.#isInMemory = isInMemory
  }

  countIn(cookieHeader: string | undefined): number {
    const count = cookieHeader === undefined ? 0 : Number(readCookie(cookieHeader, this.#name))
    return Number.isInteger(count) && count > 0 ? count : 0
  }

  /** The cookie for a login that has succeeded. */
  next(cookieHeader: string | undefined): string {
    return setCookie(this.#name, String(this.countIn(cookieHeader) + 1), ROUND_SECONDS, this.#policy)
  }

  end(): string {
    return clearCookie(this.#name, this.#policy)
  }

  /** @throws `login_loop` after a few rounds */
  check(cookieHeader: string | undefined): void {
    const rounds = this.countIn(cookieHeader)
    if (rounds < MAX_ROUNDS) return
    const store = this.#isInMemory
      ? 'session.store is the memory store, which is separate for each process: with several processes use redisStore(), postgresStore() or cookieStore().'
      : 'Check that all processes have the same session.store and session.secret, and that the store does not drop records.'
    throw new FhirAuthError(
      'login_loop',
      `This browser has logged in ${rounds} times within seconds, and each time its session was not found. ${store} If another app on this host uses session.cookieName as well, give each a name of its own.`,
    )
  }
}
