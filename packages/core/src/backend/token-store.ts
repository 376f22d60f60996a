/**
 * Where several processes share backend tokens. It sees no token: values arrive sealed, keys hashed. It asks for the same
 * four methods as a `SessionStore`, so one store serves both.
 */
export interface TokenStore {
  get(key: string): Promise<string | undefined | null>
  /** Keeps the value for this long, in seconds; replaces whatever was there. */
  set(key: string, value: string, ttlSeconds: number): Promise<unknown>
  /** Atomically: writes only where the key holds `expected` (`undefined`: where it holds nothing). True if it wrote. */
  swap(key: string, expected: string | undefined, value: string, ttlSeconds: number): Promise<boolean>
  /** Removes the key; with `expected`, atomically and only if it holds that. */
  delete(key: string, expected?: string): Promise<unknown>
}

/** Shares tokens between the processes of an app: one token request for all of them. */
export interface SharedTokensOptions {
  /** E.g. `redisStore(client)` of `@fhir-auth/redis`. */
  store: TokenStore
  /** Seals the tokens: at least 32 random characters, the same in each process. A list rotates it: the first seals, all open. */
  secret: string | readonly (string | undefined)[] | undefined
}
