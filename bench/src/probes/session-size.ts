import { setTimeout as sleep } from 'node:timers/promises'
import { createSmartLaunch, memoryStore } from '@fhir-auth/core'
import { launchOptions, logIn, request } from '../support/fhir-login.ts'

// Says what a session takes of the heap, from real logins: ready, with its context, and at rest.
const READY = 5000
/** After so many, as many sessions are ready at each later look; with those at rest, the store is at its default bound. */
const FILLED = 20_000
const AT_REST = 80_000
const store = memoryStore()
const launch = createSmartLaunch({ ...launchOptions({ store }), timeoutSeconds: 1, loginTimeoutSeconds: 1 })
const cookies: string[] = []
for (let i = 0; i < 100; i++) await logIn(launch)

const before = await heapUsed()
for (let i = 0; i < READY; i++) cookies.push(Buffer.from(await logIn(launch)).toString('latin1')) // a string of its own
const cookieBytes = cookies.reduce((sum, cookie) => sum + cookie.length + 24, 0)
const ready = (await heapUsed()) - before - cookieBytes
for (const cookie of cookies) await launch.contextFor(request('/vitals', cookie))
const used = (await heapUsed()) - before - cookieBytes

for (let i = READY; i < FILLED; i++) await logIn(launch)
const filled = await heapUsed()
for (let i = 0; i < AT_REST; i++) await logIn(launch)
const atRest = (await heapUsed()) - filled

const serialised = cookies.map((cookie) => JSON.stringify(store.get(cookie.slice(cookie.indexOf('=') + 1))).length)
process.send?.({
  serialised: serialised.reduce((sum, length) => sum + length, 0) / READY,
  atRest: atRest / AT_REST,
  ready: ready / READY,
  used: used / READY,
})

/** When the requests of the logins are quite over: their time limits hold what belonged to them. */
async function heapUsed(): Promise<number> {
  await sleep(1500)
  // What stops a login from being completed twice is kept for as long as a login may take; each write sweeps a few.
  for (let i = 0; i < AT_REST; i++) store.claim('sweep', 'sweep', 0)
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.()
    await sleep(50) // finalizers run in turns of their own
  }
  return process.memoryUsage().heapUsed
}
