import { type RedisServer, redisIsMissing, startRedisServer } from '@fhir-auth/conformance'
import { FhirAuthError } from '@fhir-auth/core'
import { Redis } from 'ioredis'
import { createClient, RESP_TYPES } from 'redis'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type RedisClient, redisStore } from '../src/index.ts'
import { clients } from './clients.ts'

const anyClient = createClient()

describe('what redisStore takes', () => {
  const refused = (call: () => unknown) => {
    try {
      call()
    } catch (error) {
      return error instanceof FhirAuthError && error.code === 'invalid_option' ? error.message : undefined
    }
    return undefined
  }

  it.each([undefined, null, 'redis://127.0.0.1', {}, new Map()])('not %s in place of a client', (client) => {
    expect(refused(() => redisStore(client as unknown as RedisClient))).toMatch(
      /takes a client: createClient.*new Redis/,
    )
  })

  it('no unknown option, and no prefix that cannot work', () => {
    expect(refused(() => redisStore(anyClient, { prefx: 'a' } as never))).toMatch(/unknown option "prefx".*prefix/)
    expect(refused(() => redisStore(anyClient, { prefix: 7 as never }))).toMatch(/prefix.*string/)
    expect(refused(() => redisStore(anyClient, { prefix: '{app}:' }))).toMatch(/braces.*one node/)
    expect(refused(() => redisStore(anyClient, { prefix: undefined }))).toBeUndefined()
  })
})

describe.skipIf(redisIsMissing())('clients with settings of their own', () => {
  let server: RedisServer
  const toClose: (() => unknown)[] = []
  beforeAll(async () => {
    server = await startRedisServer()
  })
  afterAll(async () => {
    for (const close of toClose) await close()
    await server.close()
  })

  async function checkAll(client: RedisClient): Promise<string> {
    const store = redisStore(client)
    const key = crypto.randomUUID()
    expect(await store.get(key)).toBeUndefined()
    expect(await store.swap(key, undefined, 'é', 60)).toBe(true)
    expect(await store.swap(key, undefined, 'é', 60)).toBe(false)
    expect(await store.get(key)).toBe('é')
    expect(await store.swap(key, 'é', 'two', 60)).toBe(true)
    expect(await store.swap(key, 'é', 'two', 60)).toBe(false)
    expect(await store.delete(key, 'é')).toBe(false)
    expect(await store.delete(key, 'two')).toBe(true)
    expect(await store.delete(key)).toBe(false)
    await store.set(key, 'three', 60)
    return key
  }

  it('redis that answers bytes in place of text, and text in place of numbers', async () => {
    const client = createClient({ url: server.url })
    toClose.push(() => client.destroy())
    await client.connect()
    const typeMapping = {
      [RESP_TYPES.BLOB_STRING]: Buffer,
      [RESP_TYPES.SIMPLE_STRING]: Buffer,
      [RESP_TYPES.NUMBER]: String,
    }
    await checkAll(client.withTypeMapping(typeMapping))
  })

  it('redis on RESP 2 with a key prefix: both prefixes count', async () => {
    const client = createClient({ url: server.url, RESP: 2, keyPrefix: 'app:' })
    toClose.push(() => client.destroy())
    await client.connect()
    const key = await checkAll(client)
    expect(await client.get(`fhir-auth:${key}`)).toBe('three')
    expect(await client.sendCommand(['GET', `app:fhir-auth:${key}`])).toBe('three')
  })

  it('ioredis with text in place of numbers, automatic pipelines and a key prefix', async () => {
    const client = new Redis(server.url, { stringNumbers: true, enableAutoPipelining: true, keyPrefix: 'app:' })
    toClose.push(() => client.disconnect())
    const key = await checkAll(client)
    expect(await client.get(`fhir-auth:${key}`)).toBe('three')
  })
})

describe.skipIf(redisIsMissing({ mustBeStarted: true }))('with the settings that the README recommends', () => {
  it.each(Object.keys(clients))('%s: a call fails while Redis is down, and works when it is back', async (name) => {
    const server = await startRedisServer({ appendOnly: true })
    const { client, close } = (await clients[name]?.(server.url)) ?? {}
    if (!client) throw new Error('There is no such client.')
    try {
      const store = redisStore(client)
      await store.set('kept', 'before', 60)
      await server.kill()
      await expect(store.get('kept')).rejects.toThrow(Error)
      await expect(store.swap('kept', 'before', 'meanwhile', 60)).rejects.toThrow(Error)
      await server.restart()
      await vi.waitFor(async () => expect(await store.get('kept')).toBe('before'), 15_000)
      // The other connections of a pool may come back later.
      await vi.waitFor(async () => expect(await store.swap('kept', 'before', 'after', 60)).toBe(true), 15_000)
    } finally {
      await close?.()
      await server.close()
    }
  })
})
