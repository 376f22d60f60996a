import { memoryStore } from '@fhir-auth/core'
import { createLaunch, logIn, request } from '../support/fhir-login.ts'

// Says what a session takes of the heap, from real logins, before its first request and after.
const SESSIONS = 10_000
const store = memoryStore()
const launch = createLaunch({ store })
for (let i = 0; i < 100; i++) await logIn(launch)
const cookies: string[] = new Array(SESSIONS).fill('')

const before = heapUsed()
for (let i = 0; i < SESSIONS; i++) cookies[i] = await logIn(launch)
const stored = heapUsed()
for (const cookie of cookies) await launch.contextFor(request('/vitals', cookie))
const used = heapUsed()

const serialised = cookies.map((cookie) => JSON.stringify(store.get(cookie.slice(cookie.indexOf('=') + 1))).length)
// The cookies themselves are the browser's: each is a string of its length and a header.
const cookieBytes = cookies.reduce((sum, cookie) => sum + cookie.length + 24, 0)
process.send?.({
  serialised: serialised.reduce((sum, length) => sum + length, 0) / SESSIONS,
  stored: (stored - before - cookieBytes) / SESSIONS,
  used: (used - before - cookieBytes) / SESSIONS,
})

function heapUsed(): number {
  for (let i = 0; i < 3; i++) globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
