/**
 * Where sessions and shared tokens live when several processes share them. It sees no tokens and no session ids: values
 * arrive sealed, keys hashed. Write one for your database, or use `redisStore()` of `@fhir-auth/redis` or
 * `postgresStore()` of `@fhir-auth/postgres`.
 */
export interface Store {
  get(key: string): Promise<string | undefined | null>
  /** Keeps the value for this long, in seconds; replaces whatever was there. */
  set(key: string, value: string, ttlSeconds: number): Promise<unknown>
  /** Atomically: writes only where the key holds `expected` (`undefined`: where it holds nothing). True if it wrote. */
  swap(key: string, expected: string | undefined, value: string, ttlSeconds: number): Promise<boolean>
  /** Removes the key; with `expected`, atomically and only if it holds that. */
  delete(key: string, expected?: string): Promise<unknown>
}
