import { refuseOption } from '../options.ts'
import { type CookiePolicy, clearCookie, cookieName, cookieNames, readCookie, setCookie } from './cookie-header.ts'

/** Browsers silently drop a longer one (RFC 6265 §6.1). */
const MAX_COOKIE_LENGTH = 4096
/** All cookies together. Proxies refuse a `Cookie` header of more than 8 KB, and a login in progress has cookies too. */
const MAX_SEALED_LENGTH = 7000

/** A sealed session, split into as many cookies as it needs. */
export class ChunkedCookie {
  readonly #prefix: string
  readonly #first: string
  readonly #policy: CookiePolicy

  constructor(name: string, policy: CookiePolicy) {
    this.#prefix = `${cookieName(name, policy)}.`
    this.#first = `${this.#prefix}0`
    this.#policy = policy
  }

  /** The sealed text that the browser sent. If its parts do not belong together, it cannot be opened. */
  read(cookieHeader: string | undefined): string | undefined {
    if (cookieHeader === undefined) return undefined
    let sealed = readCookie(cookieHeader, this.#first)
    for (let index = 1; sealed; index++) {
      const part = readCookie(cookieHeader, this.#prefix + index)
      if (!part) return sealed
      sealed += part
    }
    return undefined
  }

  fits(sealed: string): boolean {
    return sealed.length <= MAX_SEALED_LENGTH
  }

  /**
   * The cookies that replace the browser's session by this text.
   *
   * @throws `invalid_option` if it is too long
   */
  write(sealed: string, cookieHeader: string | undefined, maxAgeSeconds: number): string[] {
    if (!this.fits(sealed)) {
      refuseOption(
        `session.store is cookieStore(), and the tokens of this login need ${sealed.length} characters; browsers and proxies accept ${MAX_SEALED_LENGTH}. Keep sessions on the server: leave session.store out, or give it redisStore() or a store of your own.`,
      )
    }
    const room = MAX_COOKIE_LENGTH - setCookie(this.#first, '', maxAgeSeconds, this.#policy).length
    const parts = Math.ceil(sealed.length / room)
    const cookies = Array.from({ length: parts }, (_none, index) => {
      const part = sealed.slice(index * room, (index + 1) * room)
      return setCookie(this.#prefix + index, part, maxAgeSeconds, this.#policy)
    })
    return [...cookies, ...this.clear(cookieHeader, parts)]
  }

  /** @param from - number of the first cookie to remove */
  clear(cookieHeader: string | undefined, from = 0): string[] {
    const numbers = cookieNames(cookieHeader, this.#prefix).map((name) => Number(name.slice(this.#prefix.length)))
    const old = numbers.filter((number) => Number.isInteger(number) && number >= from)
    return old.map((number) => clearCookie(this.#prefix + number, this.#policy))
  }
}
