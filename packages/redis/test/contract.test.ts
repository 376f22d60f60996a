import { describeSessionStore, type RedisServer, redisIsMissing, startRedisServer } from '@fhir-auth/conformance'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { redisStore } from '../src/index.ts'
import { clients } from './clients.ts'

describe.skipIf(redisIsMissing())('one Redis', { concurrent: true }, () => {
  let server: RedisServer
  const toClose: (() => unknown)[] = []
  beforeAll(async () => {
    server = await startRedisServer()
  })
  afterAll(async () => {
    for (const close of toClose) await close()
    await server.close()
  })

  for (const [name, connect] of Object.entries(clients)) {
    const open = async (prefix: string) => {
      const { client, close } = await connect(server.url)
      toClose.push(close)
      return redisStore(client, { prefix })
    }

    describeSessionStore(name, open)

    describe(name, () => {
      it('goes on when the server has forgotten its scripts', async () => {
        const store = await open(`${crypto.randomUUID()}:`)
        const admin = createClient({ url: server.url })
        await admin.connect()
        toClose.push(() => admin.destroy())
        await store.set('key', 'one', 60)
        expect(await store.swap('key', 'one', 'two', 60)).toBe(true)
        await admin.scriptFlush()
        expect(await store.swap('key', 'two', 'three', 60)).toBe(true)
        await admin.scriptFlush()
        expect(await store.delete('key', 'three')).toBe(true)
      })

      it('leaves no key without an end, and none past its prefix', async () => {
        const prefix = `${crypto.randomUUID()}:`
        const store = await open(prefix)
        const admin = createClient({ url: server.url })
        await admin.connect()
        toClose.push(() => admin.destroy())
        await store.set('set', 'a', 60)
        await store.swap('claimed', undefined, 'a', 60)
        await store.set('swapped', 'a', 1)
        await store.swap('swapped', 'a', 'b', 60.5)
        for (const key of ['set', 'claimed', 'swapped']) {
          const left = await admin.pTTL(prefix + key)
          expect(left).toBeGreaterThan(50_000)
          expect(left).toBeLessThanOrEqual(60_500)
        }
      })

      it('an error of Redis comes through as it is', async () => {
        const prefix = `${crypto.randomUUID()}:`
        const store = await open(prefix)
        const admin = createClient({ url: server.url })
        await admin.connect()
        toClose.push(() => admin.destroy())
        await admin.lPush(`${prefix}list`, 'a')
        await expect(store.get('list')).rejects.toThrow('WRONGTYPE')
        await expect(store.swap('list', 'a', 'b', 60)).rejects.toThrow('WRONGTYPE')
        await admin.del(`${prefix}list`)
      })
    })
  }
})
