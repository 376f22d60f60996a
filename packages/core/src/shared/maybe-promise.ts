/** A value, or a promise of it. With a synchronous store, most requests need no promise. */
export type MaybePromise<T> = T | Promise<T>
