import { setTimeout as sleep } from 'node:timers/promises'
import { createSmartLaunch, memoryStore } from '@fhir-auth/core'
import { launchOptions, logIn, request } from '../support/fhir-login.ts'

// Says what a session takes of the heap, from real logins: at rest, and in use.
// Multiples of what the store holds open, so that it holds as many open at each look.
const [BEFORE, MEASURED] = [35_000, 40_000]
const IN_USE = 4000
const store = memoryStore()
const launch = createSmartLaunch({ ...launchOptions({ store }), timeoutSeconds: 1, loginTimeoutSeconds: 1 })

const cookies: string[] = []
for (let i = 0; i < BEFORE; i++) {
  const cookie = await logIn(launch)
  if (i < IN_USE) cookies.push(Buffer.from(cookie).toString('latin1')) // a string of its own
}
const before = await heapUsed()
for (let i = 0; i < MEASURED; i++) await logIn(launch)
const atRest = await heapUsed()
for (const cookie of cookies) await launch.contextFor(request('/vitals', cookie))
const inUse = await heapUsed()

const serialised = cookies.map((cookie) => JSON.stringify(store.get(cookie.slice(cookie.indexOf('=') + 1))).length)
process.send?.({
  serialised: serialised.reduce((sum, length) => sum + length, 0) / IN_USE,
  atRest: (atRest - before) / MEASURED,
  inUse: (inUse - atRest) / IN_USE,
})

/** When the requests of the logins are quite over: their time limits hold what belonged to them. */
async function heapUsed(): Promise<number> {
  await sleep(1500)
  // What stops a login from being completed twice is kept for as long as a login may take; each write sweeps a few.
  for (let i = 0; i < MEASURED; i++) store.claim('sweep', 'sweep', 0)
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.()
    await sleep(50) // finalizers run in turns of their own
  }
  return process.memoryUsage().heapUsed
}
