import { asFhirAuthError, type FhirAuthError } from '../errors.ts'
import { isDueForRenewal, isUsable } from '../oauth/token-lifetime.ts'
import type { TokenResponse } from '../oauth/token-response.ts'
import { createSealer, hashedName, type Sealer } from '../store/sealing.ts'
import type { TokenStore } from './token-store.ts'

export interface SharedTokensSettings {
  readonly store: TokenStore
  readonly secrets: readonly string[]
  /** How long a caller waits for another process, in seconds. */
  readonly timeoutSeconds: number
  readonly now: () => number
  /** Told of every failure of the store. */
  readonly onFailure: (error: FhirAuthError) => void
}

const POLL_MILLISECONDS = 50
/** A store that is slower than this saves nobody time. */
const STORE_SECONDS = 2
/** A request is discovery, of three documents at most, and the token; a process that dies with the lock blocks no longer. */
const REQUESTS_PER_LOCK = 5

/**
 * Tokens that all processes of an app share: one of them asks the server, the others take what it got. Sharing is a
 * saving, not a need: with a store that fails, each process asks for itself.
 */
export class SharedTokens {
  readonly #settings: SharedTokensSettings
  readonly #sealer: Sealer

  constructor(settings: SharedTokensSettings) {
    this.#settings = settings
    this.#sealer = createSealer(settings.secrets, 'backend token')
  }

  /**
   * @param key - all that makes a token another one
   * @param outworn - the token that it is to replace, which is not taken from the store again
   * @param request - asks the server
   * @throws what `request` throws
   */
  async get(key: string, outworn: string | undefined, request: () => Promise<TokenResponse>): Promise<TokenResponse> {
    const lock = await hashedName(`lock ${key}`)
    const owner = crypto.randomUUID()
    let isOwner: boolean
    try {
      const found = await this.#findOrClaim(key, outworn, lock, owner)
      if (typeof found === 'object') return found
      isOwner = found
    } catch {
      return request()
    }
    try {
      // Whoever had the lock before may have got the token after the last look.
      const found = isOwner ? await this.#find(key, outworn).catch(() => undefined) : undefined
      if (found) return found
      const response = await request()
      await this.#keep(key, response).catch(() => {})
      return response
    } finally {
      // When the store is down, the lock runs out by itself.
      if (isOwner) await this.#ask((store) => store.delete(lock, owner)).catch(() => {})
    }
  }

  /**
   * Waits for another process that is asking the server, but not forever: it may have died.
   *
   * @returns its token, or whether the lock is ours
   */
  async #findOrClaim(
    key: string,
    outworn: string | undefined,
    lock: string,
    owner: string,
  ): Promise<TokenResponse | boolean> {
    const { timeoutSeconds } = this.#settings
    const lockSeconds = Math.ceil(REQUESTS_PER_LOCK * timeoutSeconds)
    for (let waited = 0; waited <= timeoutSeconds * 1000; waited += POLL_MILLISECONDS) {
      if (waited > 0) await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS))
      const found = await this.#find(key, outworn)
      if (found) return found
      if (await this.#ask((store) => store.swap(lock, undefined, owner, lockSeconds))) return true
    }
    return false
  }

  async #keep(key: string, response: TokenResponse): Promise<void> {
    const { accessToken, expiresAt, lifetimeSeconds, scope, members } = response
    const sealed = await this.#sealer.seal({ key, accessToken, expiresAt, lifetimeSeconds, scope, members })
    const ttlSeconds = Math.max(1, Math.ceil((expiresAt - this.#settings.now()) / 1000))
    const name = await hashedName(key)
    await this.#ask((store) => store.set(name, sealed, ttlSeconds))
  }

  /** A token of another process that is worth taking: not the outworn one, and not due itself. */
  async #find(key: string, outworn: string | undefined): Promise<TokenResponse | undefined> {
    const name = await hashedName(key)
    const sealed = await this.#ask((store) => store.get(name))
    const content = typeof sealed === 'string' ? await this.#sealer.open(sealed) : undefined
    // The key is part of what is sealed, so a token copied under the key of another server or scope does not count.
    if (content?.key !== key) return undefined
    // Sealed here or by another process of the app, from a checked response.
    const response = { ...content, refreshToken: undefined, idToken: undefined } as unknown as TokenResponse
    const now = this.#settings.now()
    const isFresh = isUsable(response, now) && !isDueForRenewal(response, now)
    return isFresh && response.accessToken !== outworn ? response : undefined
  }

  /** What the store says; it fails when the store hangs. */
  async #ask<T>(call: (store: TokenStore) => Promise<T>): Promise<T> {
    const { store, timeoutSeconds } = this.#settings
    let timer: ReturnType<typeof setTimeout> | undefined
    const tooLate = new Promise<never>((_resolve, reject) => {
      const limit = Math.min(timeoutSeconds, STORE_SECONDS) * 1000
      timer = setTimeout(() => reject(new Error('The token store did not answer in time.')), limit)
    })
    try {
      return await Promise.race([call(store), tooLate])
    } catch (cause) {
      const error = asFhirAuthError(cause, 'session_store_failed', 'The store of shared tokens failed.')
      this.#settings.onFailure(error)
      throw error
    } finally {
      clearTimeout(timer)
    }
  }
}
