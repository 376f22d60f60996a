// One process of an app whose sessions are in Redis. Before each call to the store or the server it tells the parent what it
// is about to do, and waits until it may.
import { createSmartLaunch, FhirAuthError, publicClient, type SmartLaunch, type Store } from '@fhir-auth/core'
import { createClient } from 'redis'
import { redisStore } from '../../src/index.ts'
import type { Command, Report, Result } from './messages.ts'

const ORIGIN = 'https://portal.example'

// A holder of a lease shows now and then that it is alive. Whoever waits for a permit would show it at any moment.
globalThis.setInterval = (() => 0) as unknown as typeof setInterval // nobody here uses what it gives back

const client = createClient({ url: process.env.REDIS_URL ?? '' })
client.on('error', () => {})
await client.connect()
const redis = redisStore(client)

let launch: SmartLaunch
let epoch = 0
let aheadSeconds = 0
let steps = 0
const waiting = new Map<number, () => void>()

const tell = (report: Report) => process.send?.(report)

function openLaunch(server: string, secret: string): SmartLaunch {
  const ownEpoch = ++epoch
  aheadSeconds = 0
  waiting.clear()
  /** Asks for the permit, does it, and says that it is done. */
  async function step<T>(of: string, isRead: boolean, call: () => Promise<T>): Promise<T> {
    const id = ++steps
    const permit = new Promise<void>((resolve) => waiting.set(id, resolve))
    tell({ type: 'step', id, of, isRead })
    await permit
    try {
      return await call()
    } finally {
      // What an order left behind that was not run to its end.
      if (ownEpoch === epoch) tell({ type: 'done', id })
    }
  }
  const store: Store = {
    get: (key) => step(key, true, () => redis.get(key)),
    set: (key, ...rest) => step(key, false, () => redis.set(key, ...rest)),
    swap: (key, ...rest) => step(key, false, () => redis.swap(key, ...rest)),
    delete: (key, ...rest) => step(key, false, async () => redis.delete(key, ...rest)),
  }
  return createSmartLaunch({
    fhirBaseUrl: `${server}/fhir`,
    clientId: 'portal',
    clientAuth: publicClient(),
    redirectUri: `${ORIGIN}/callback`,
    scope: 'patient/*.rs offline_access',
    session: { secret, store },
    metadata: {
      authorization_endpoint: `${server}/authorize`,
      token_endpoint: `${server}/token`,
      revocation_endpoint: `${server}/revoke`,
    },
    fetch: (...request) => step('the server', false, () => fetch(...request)),
    now: () => Date.now() + aheadSeconds * 1000,
    log: false,
  })
}

async function act({ method, url, cookie, launchId }: Command & { type: 'act' }): Promise<Result> {
  const background: Promise<unknown>[] = []
  const headers: Record<string, string | undefined> = { cookie, origin: ORIGIN, 'fhir-launch-id': launchId }
  const waitUntil = (promise: Promise<unknown>) => void background.push(promise)
  const request = { method, url, header: (name: string) => headers[name], waitUntil }
  const result = launch.handles(url) ? await answer(request) : await context(request)
  await Promise.allSettled(background)
  return result
}

type Request = Parameters<SmartLaunch['answer']>[0]

async function answer(request: Request): Promise<Result> {
  const { status, cookies, headers } = await launch.answer(request)
  return { status, cookies: [...cookies], location: headers.location, launchId: undefined }
}

async function context(request: Request): Promise<Result> {
  const nothing = { cookies: [], location: undefined, launchId: undefined }
  try {
    const fhir = await launch.contextFor(request)
    return { ...nothing, status: fhir ? 200 : 401, launchId: fhir?.launchId }
  } catch (error) {
    if (error instanceof FhirAuthError) return { ...nothing, status: error.status }
    throw error
  }
}

process.on('message', async (command: Command) => {
  if (command.type === 'open') {
    launch = openLaunch(command.server, command.secret)
    tell({ type: 'opened' })
  } else if (command.type === 'advance') {
    aheadSeconds += command.seconds
  } else if (command.type === 'permit') {
    waiting.get(command.id)?.()
    waiting.delete(command.id)
  } else {
    const ownEpoch = epoch
    const result = await act(command)
    if (ownEpoch === epoch) tell({ type: 'result', result })
  }
})
process.once('disconnect', () => process.exit())
tell({ type: 'opened' })
