import { setTimeout as sleep } from 'node:timers/promises'
import { createSmartLaunch, memoryStore } from '@fhir-auth/core'
import { launchOptions, logIn, request } from '../support/fhir-login.ts'

// Says what a session takes of the heap, from real logins, before its first request and after.
const SESSIONS = 10_000
const store = memoryStore()
const launch = createSmartLaunch({ ...launchOptions({ store }), timeoutSeconds: 1, loginTimeoutSeconds: 1 })
for (let i = 0; i < 100; i++) await logIn(launch)
const cookies: string[] = new Array(SESSIONS).fill('')

const before = await heapUsed()
for (let i = 0; i < SESSIONS; i++) cookies[i] = Buffer.from(await logIn(launch)).toString('latin1') // a string of its own
const stored = await heapUsed()
for (const cookie of cookies) await launch.contextFor(request('/vitals', cookie))
const used = await heapUsed()

const serialised = cookies.map((cookie) => JSON.stringify(store.get(cookie.slice(cookie.indexOf('=') + 1))).length)
// The cookies themselves are the browser's: each is a string of its length and a header.
const cookieBytes = cookies.reduce((sum, cookie) => sum + cookie.length + 24, 0)
// Used once more, so that none of it is collected before.
await launch.contextFor(request('/vitals', cookies[0]))
process.send?.({
  serialised: serialised.reduce((sum, length) => sum + length, 0) / SESSIONS,
  stored: (stored - before - cookieBytes) / SESSIONS,
  used: (used - before - cookieBytes) / SESSIONS,
})

/** When the requests of the logins are quite over: their time limits hold what belonged to them. */
async function heapUsed(): Promise<number> {
  await sleep(1500)
  // What stops a login from being completed twice is kept for as long as a login may take; each write sweeps a few.
  for (let i = 0; i < SESSIONS; i++) store.claim('sweep', 'sweep', 0)
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.()
    await sleep(50) // finalizers run in turns of their own
  }
  return process.memoryUsage().heapUsed
}
