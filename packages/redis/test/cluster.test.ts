import { describeSessionStore, redisIsMissing } from '@fhir-auth/conformance'
import { Cluster } from 'ioredis'
import { Cluster as Cluster5 } from 'ioredis5'
import { createCluster } from 'redis'
import { createCluster as createCluster5 } from 'redis5'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RedisClient } from '../src/index.ts'
import { redisStore } from '../src/index.ts'
import { startRedisCluster } from './redis-cluster.ts'

describe.skipIf(redisIsMissing({ mustBeStarted: true }))('a Redis Cluster of three nodes', { concurrent: true }, () => {
  let cluster: Awaited<ReturnType<typeof startRedisCluster>>
  const toClose: (() => unknown)[] = []
  beforeAll(async () => {
    cluster = await startRedisCluster()
  })
  afterAll(async () => {
    for (const close of toClose) await close()
    await cluster.close()
  })
  const urls = () => cluster.nodes.map(({ server }) => ({ url: server.url }))
  const addresses = () => cluster.nodes.map(({ server }) => ({ host: '127.0.0.1', port: server.port }))

  const clients: Record<string, () => Promise<RedisClient>> = {
    'redis 6': async () => {
      const client = createCluster({ rootNodes: urls(), defaults: { disableOfflineQueue: true } })
      toClose.push(() => client.destroy())
      await client.connect()
      return client
    },
    'redis 5': async () => {
      const client = createCluster5({ rootNodes: urls(), defaults: { disableOfflineQueue: true } })
      toClose.push(() => client.destroy())
      await client.connect()
      return client
    },
    'ioredis 6': async () => {
      const client = new Cluster(addresses(), { lazyConnect: true })
      toClose.push(() => client.disconnect())
      await client.connect()
      return client
    },
    'ioredis 5': async () => {
      const client = new Cluster5(addresses(), { lazyConnect: true })
      toClose.push(() => client.disconnect())
      await client.connect()
      return client
    },
    'ioredis 6 with automatic pipelines': async () => {
      const client = new Cluster(addresses(), { lazyConnect: true, enableAutoPipelining: true })
      toClose.push(() => client.disconnect())
      await client.connect()
      return client
    },
  }

  for (const [name, connect] of Object.entries(clients)) {
    const open = async (prefix: string) => redisStore(await connect(), { prefix })
    describeSessionStore(name, open)

    describe(name, () => {
      it('keys lie on all nodes, and scripts run where they lie', async () => {
        const prefix = `${crypto.randomUUID()}:`
        const store = await open(prefix)
        const keys = Array.from({ length: 60 }, () => crypto.randomUUID())
        await Promise.all(keys.map((key) => store.swap(key, undefined, 'one', 60)))
        const swapped = await Promise.all(keys.map((key) => store.swap(key, 'one', 'two', 60)))
        expect(swapped).toEqual(keys.map(() => true))
        for (const node of cluster.nodes) expect(await node.command('KEYS', `${prefix}*`)).not.toBe('')
        const removed = await Promise.all(keys.map((key) => store.delete(key, 'two')))
        expect(removed).toEqual(keys.map(() => true))
      })

      it('follows a slot that has moved to another node', async () => {
        const [first, second] = cluster.nodes
        if (!first || !second) throw new Error('There are not enough nodes.')
        const prefix = `${crypto.randomUUID()}:`
        const store = await open(prefix)
        const { key, slot } = await keyOf(prefix, first)
        for (const node of [second, first]) await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', second.id)
        await second.command('SCRIPT', 'FLUSH')
        expect(await store.swap(key, 'nothing', 'new', 60)).toBe(false)
        expect(await store.swap(key, undefined, 'one', 60)).toBe(true)
        expect(await store.swap(key, 'one', 'two', 60)).toBe(true)
        expect(await second.command('GET', prefix + key)).toBe('two')
        expect(await store.delete(key, 'two')).toBe(true)
      })

      async function keyOf(prefix: string, node: { command(...words: string[]): Promise<string> }) {
        for (;;) {
          const key = crypto.randomUUID()
          const slot = await node.command('CLUSTER', 'KEYSLOT', prefix + key)
          if (Number(slot) < 5000) return { key, slot }
        }
      }
    })
  }
})
