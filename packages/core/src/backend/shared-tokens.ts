import type { FhirAuthError } from '../errors.ts'
import { isDueForRenewal, isUsable } from '../oauth/token-lifetime.ts'
import type { TokenResponse } from '../oauth/token-response.ts'
import { type Lease, Leases } from '../store/leases.ts'
import type { MemoryStore } from '../store/memory-store.ts'
import { openStore } from '../store/open-store.ts'
import type { RecordStore } from '../store/record-store.ts'
import type { Store } from '../store/store.ts'

/** Shares tokens between the processes of an app: one token request for all of them. */
export interface SharedTokensOptions {
  /** E.g. `redisStore(client)` of `@fhir-auth/redis`; the same one may hold the sessions. */
  store: Store | MemoryStore
  /** Seals the tokens: at least 32 random characters, the same in each process. A list rotates it: the first seals, all open. */
  secret: string | readonly (string | undefined)[] | undefined
}

export interface SharedTokensSettings {
  readonly store: Store | MemoryStore
  readonly secrets: readonly string[]
  /** How long a caller waits for another process, in seconds. */
  readonly timeoutSeconds: number
  readonly now: () => number
  /** Told of every failure of the store. */
  readonly onFailure: (error: FhirAuthError) => void
}

/** What processes share of a token response. */
type SharedToken = Pick<TokenResponse, 'accessToken' | 'expiresAt' | 'lifetimeSeconds' | 'scope' | 'members'>

/** A store that is slower than this saves nobody time. */
const STORE_SECONDS = 2

/**
 * Tokens that all processes of an app share: one of them asks the server, the others take what it got. Sharing is a
 * saving, not a need: with a store that fails, each process asks for itself.
 */
export class SharedTokens {
  readonly #tokens: RecordStore<SharedToken>
  readonly #leases: Leases
  readonly #now: () => number

  constructor({ store, timeoutSeconds, ...settings }: SharedTokensSettings) {
    const storeSettings = {
      ...settings,
      purpose: 'backend token',
      timeoutSeconds: Math.min(timeoutSeconds, STORE_SECONDS),
    }
    this.#tokens = openStore<SharedToken>(store, storeSettings)
    this.#leases = new Leases(this.#tokens, timeoutSeconds)
    this.#now = settings.now
  }

  /**
   * @param key - all that makes a token another one
   * @param outworn - the token that it is to replace, which is not taken from the store again
   * @param request - asks the server
   * @throws what `request` throws
   */
  async get(key: string, outworn: string | undefined, request: () => Promise<TokenResponse>): Promise<TokenResponse> {
    const find = () => this.#find(key, outworn)
    let lease: Lease | undefined
    try {
      const found = (await find()) ?? (await this.#leases.take(`token ${key}`, find))
      if ('accessToken' in found) return found
      lease = found
      // Whoever had the lease before may have got the token after the last look.
      const late = await find()
      if (late !== undefined) return late
    } catch {
      // Without the store, each process asks for itself.
    }
    try {
      const response = await request()
      await this.#keep(key, response)
      return response
    } finally {
      await lease?.giveBack()
    }
  }

  async #keep(key: string, response: TokenResponse): Promise<void> {
    const { accessToken, expiresAt, lifetimeSeconds, scope, members } = response
    try {
      await this.#tokens.set(key, Object.freeze({ accessToken, expiresAt, lifetimeSeconds, scope, members }))
    } catch {
      // The token is good all the same.
    }
  }

  /** A token of another process that is worth taking: not the outworn one, and not due itself. */
  async #find(key: string, outworn: string | undefined): Promise<TokenResponse | undefined> {
    const token = await this.#tokens.get(key)
    if (token === undefined || token.accessToken === outworn) return undefined
    const now = this.#now()
    const isFresh = isUsable(token, now) && !isDueForRenewal(token, now)
    return isFresh ? { ...token, refreshToken: undefined, idToken: undefined, unread: [] } : undefined
  }
}
