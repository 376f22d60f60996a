// These types describe only what is used of the clients, so that neither library has to be installed.

/** The used part of `redis` 5 and 6: a client, a pool, a cluster or a sentinel client. */
export interface NodeRedisClient {
  get(key: string): Promise<unknown>
  set(
    key: string,
    value: string,
    options: { expiration: { type: 'PX'; value: number }; condition?: 'NX' },
  ): Promise<unknown>
  del(key: string): Promise<unknown>
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  evalSha(sha1: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
}

/** The used part of `ioredis` 5 and 6: a `Redis` or a `Cluster`. */
export interface IoredisClient {
  get(key: string): Promise<unknown>
  set(key: string, value: string, unit: 'PX', milliseconds: number): Promise<unknown>
  set(key: string, value: string, unit: 'PX', milliseconds: number, condition: 'NX'): Promise<unknown>
  del(key: string): Promise<unknown>
  eval(script: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>
  evalsha(sha1: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>
}

/** A client of `redis` or of `ioredis`. */
export type RedisClient = NodeRedisClient | IoredisClient
