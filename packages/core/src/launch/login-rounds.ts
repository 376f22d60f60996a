import { FhirAuthError } from '../errors.ts'
import { type CookiePolicy, clearCookie, cookieName, readCookie, setCookie } from '../session/cookie-header.ts'

/** A server that asks nothing brings a person back within this. Whoever types a password takes longer. */
const ROUND_SECONDS = 15
const MOST_ROUNDS = 4

/**
 * Counts logins that follow each other at once. Where the session of a login is not found again, the page sends the
 * person to log in, and a server that asks nothing sends them back: for ever, unless somebody counts.
 */
export class LoginRounds {
  readonly #name: string
  readonly #policy: CookiePolicy
  readonly #isInMemory: boolean

  /** @param isInMemory - whether sessions are in this process alone */
  constructor(policy: CookiePolicy, isInMemory: boolean) {
    this.#name = cookieName('fhir-auth.rounds', policy)
    this.#policy = policy
    this.#isInMemory = isInMemory
  }

  countIn(cookieHeader: string | undefined): number {
    const count = cookieHeader === undefined ? 0 : Number(readCookie(cookieHeader, this.#name))
    return Number.isInteger(count) && count > 0 ? count : 0
  }

  /** Of the answer to a login that has succeeded. */
  next(cookieHeader: string | undefined): string {
    return setCookie(this.#name, String(this.countIn(cookieHeader) + 1), ROUND_SECONDS, this.#policy)
  }

  end(): string {
    return clearCookie(this.#name, this.#policy)
  }

  /** @throws `login_loop` after a few rounds */
  check(cookieHeader: string | undefined): void {
    const rounds = this.countIn(cookieHeader)
    if (rounds < MOST_ROUNDS) return
    const store = this.#isInMemory
      ? 'session.store is the memory store, which each process has for itself: with several processes use redisStore(), postgresStore() or cookieStore().'
      : 'Check that all processes have the same session.store and session.secret, and that the store does not drop records.'
    throw new FhirAuthError(
      'login_loop',
      `This browser has logged in ${rounds} times within seconds, and each time its session was not found. ${store} If another app on this host uses session.cookieName as well, give each a name of its own.`,
    )
  }
}
