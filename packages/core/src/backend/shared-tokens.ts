import type { FhirAuthError } from '../errors.ts'
import { isDueForRenewal, isUsable } from '../oauth/token-lifetime.ts'
import type { TokenResponse } from '../oauth/token-response.ts'
import { type Lease, Leases } from '../store/leases.ts'
import type { MemoryStore } from '../store/memory-store.ts'
import { openStore } from '../store/open-store.ts'
import type { RecordStore } from '../store/record-store.ts'
import type { Store } from '../store/store.ts'

/** Shares tokens between the processes of an app, so that one token request serves all of them. */
export interface SharedTokensOptions {
  /** E.g. `redisStore(client)` of `@fhir-auth/redis`. The same store may hold the sessions. */
  store: Store | MemoryStore
  /** Seals the tokens: at least 32 random characters, the same in each process. Use a list to rotate it: the first seals, all open. */
  secret: string | readonly (string | undefined)[] | undefined
}

export interface SharedTokensSettings {
  readonly store: Store | MemoryStore
  readonly secrets: readonly string[]
  /** How long a caller waits for another process, in seconds. */
  readonly timeoutSeconds: number
  readonly now: () => number
  /** Called for each failure of the store. */
  readonly onFailure: (error: FhirAuthError) => void
}

/** The part of a token response that processes share. */
type SharedToken = Pick<TokenResponse, 'accessToken' | 'expiresAt' | 'lifetimeSeconds' | 'scope' | 'members'>

/** Time limit of a call to the store. With a slower store, sharing would save no time. */
const STORE_SECONDS = 2

/**
 * Tokens that all processes of an app share: one of them requests the token, and the others use it. If the store fails, each
 * process requests its own token.
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
   * @param key - identifies the token: server, client and scope
   * @param outworn - the token to replace, which must not be taken from the store again
   * @param request - requests a token from the server
   * @throws what `request` throws
   */
  async get(key: string, outworn: string | undefined, request: () => Promise<TokenResponse>): Promise<TokenResponse> {
    const find = () => this.#find(key, outworn)
    let lease: Lease | undefined
    try {
      const found = (await find()) ?? (await this.#leases.take(`token ${key}`, find))
      if ('accessToken' in found) return found
      lease = found
      // The holder before us may have stored a token just before it gave back the lease.
      const late = await find()
      if (late !== undefined) return late
    } catch {
      // Without the store, each process requests its own token.
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
      // The token is valid, even if it cannot be shared.
    }
  }

  /** A token of another process that is worth taking: not the outworn one, and not due for renewal. */
  async #find(key: string, outworn: string | undefined): Promise<TokenResponse | undefined> {
    const token = await this.#tokens.get(key)
    if (token === undefined || token.accessToken === outworn) return undefined
    const now = this.#now()
    const isFresh = isUsable(token, now) && !isDueForRenewal(token, now)
    return isFresh ? { ...token, refreshToken: undefined, idToken: undefined, unread: [] } : undefined
  }
}
