import { createBackendServices, createSmartLaunch } from '@fhir-auth/core'
import { redisStore } from '@fhir-auth/redis'
import { Cluster } from 'ioredis'
import { createClient } from 'redis'
import { backendOptions, launchOptions, report } from './settings.js'

// Of both clients, neither connected: a login that begins asks no store.
const stores = [redisStore(createClient()), redisStore(new Cluster(['127.0.0.1:7000'], { lazyConnect: true }))]

async function main(): Promise<void> {
  const { session, ...options } = launchOptions()
  const backend = createBackendServices(await backendOptions())
  for (const store of stores) {
    const launch = createSmartLaunch({ ...options, session: { ...session, store } })
    await report(async (path) => {
      const request = { method: 'GET', url: path, header: () => undefined }
      const handler = [launch, backend].find((one) => one.handles(path))
      if (handler === undefined)
        return new Response(null, { status: launch.contextFor(request) === undefined ? 401 : 200 })
      const { status, headers, body } = await handler.answer(request)
      return new Response(body, { status, headers })
    })
  }
}

void main()
