/** A value, or a promise of it: the hot path stays synchronous where the store is. */
export type MaybePromise<T> = T | Promise<T>
