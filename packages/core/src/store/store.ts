/**
 * Keeps sessions and shared tokens of several processes. It sees no tokens and no session ids: values are sealed, keys are
 * hashed. Write one for your database, or use `redisStore()` of `@fhir-auth/redis` or `postgresStore()` of
 * `@fhir-auth/postgres`.
 */
export interface Store {
  get(key: string): Promise<string | undefined | null>
  /** Keeps the value for this many seconds, and replaces any earlier one. */
  set(key: string, value: string, ttlSeconds: number): Promise<unknown>
  /** Atomically writes only if the key holds `expected` (`undefined`: if it holds nothing). Returns whether it wrote. */
  swap(key: string, expected: string | undefined, value: string, ttlSeconds: number): Promise<boolean>
  /** Removes the key; with `expected`, atomically and only if it holds that. */
  delete(key: string, expected?: string): Promise<unknown>
}
