import { memoryStore } from '@fhir-auth/core'
import { createLaunch, logIn, request } from '../support/fhir-login.ts'
import { nanoseconds } from '../support/nanoseconds.ts'

// Says how long it takes to find one of many sessions, each as likely as the others, and what a session takes of the heap.
const [count = 0, rounds = 0] = process.argv.slice(2).map(Number)
const ASKED = 20_000

const store = memoryStore({ maxSessions: Number.MAX_SAFE_INTEGER })
const launch = createLaunch({ store })
const [name = '', firstId = ''] = (await logIn(launch)).split('=')
const template = store.get(firstId)
const first = template?.launches[0]
if (!template || !first) throw new Error('The login left no session.')

// Copies of one login, each with its own id and tokens: a million logins would take minutes.
const ids: string[] = []
const map = new Map<string, object>()
for (let at = 0; at < count; at++) {
  const id = newId()
  const own = { launchId: newId(), accessToken: newId(), refreshToken: newId(), patient: newId() }
  store.set(id, { ...template, launches: [{ ...first, ...own }] })
  map.set(id, own)
  ids.push(id)
}

// Cookies as a request brings them: text that has never been a key.
const requests = Array.from({ length: Math.min(count, ASKED) }, () => {
  const id = ids[Math.floor(Math.random() * ids.length)] ?? ''
  const cookie = Buffer.from(`${name}=${id}`).toString('latin1')
  return { cookie, request: request('/vitals', cookie) }
})
for (const asked of requests) await launch.contextFor(asked.request)
let at = 0
const next = () => {
  at = at + 1 === requests.length ? 0 : at + 1
  return requests[at] as (typeof requests)[number] // never out of bounds
}
const found = await nanoseconds(
  {
    map: () => map.get(next().cookie.slice(name.length + 1)),
    ours: () => launch.contextFor(next().request),
  },
  rounds,
)
process.send?.(found)

function newId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')
}
