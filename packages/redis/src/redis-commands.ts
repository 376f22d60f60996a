import type { Script } from './script.ts'

/** The five commands that the store uses, in one form for all clients. Each names exactly one key. */
export interface RedisCommands {
  get(key: string): Promise<unknown>
  set(key: string, value: string, ttlMilliseconds: number): Promise<unknown>
  /** Returns null if the key exists. */
  setIfAbsent(key: string, value: string, ttlMilliseconds: number): Promise<unknown>
  del(key: string): Promise<unknown>
  runScript(script: Script, key: string, ...values: string[]): Promise<unknown>
}
