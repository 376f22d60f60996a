/** Core's contract of a store. This file goes when core exports it in this form. */
export interface SessionStore {
  get(key: string): Promise<string | undefined | null>
  /** Keeps the value for this long, in seconds; replaces whatever was there. */
  set(key: string, value: string, ttlSeconds: number): Promise<unknown>
  /** Atomically: writes only where the key holds `expected` (`undefined`: where it holds nothing). True if it wrote. */
  swap(key: string, expected: string | undefined, value: string, ttlSeconds: number): Promise<boolean>
  /** Removes the key; with `expected`, atomically and only if it holds that. True if it removed something. */
  delete(key: string, expected?: string): Promise<unknown>
}
