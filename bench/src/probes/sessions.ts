import { memoryStore } from '@fhir-auth/core'
import { createLaunch, logIn, type StoredSession } from '../support/fhir-login.ts'
import { nanoseconds } from '../support/nanoseconds.ts'

// Says how long it takes to find one of many sessions, each as likely as the others, and what a session takes of the heap.
const [count = 0, rounds = 0] = process.argv.slice(2).map(Number)
const ASKED = 20_000

const store = memoryStore<StoredSession>({ maxSessions: Number.MAX_SAFE_INTEGER })
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

// Cookies as requests bring them: text just read from the network, which has never been a key. Written here one after the
// other, so that reading them is no part of what grows with the number of sessions.
const asked = Math.min(count, ASKED)
const width = name.length + 1 + firstId.length
const network = Buffer.alloc(asked * width)
for (let i = 0; i < asked; i++) {
  const id = ids[Math.floor(Math.random() * ids.length)] ?? ''
  network.write(`${name}=${id}`, i * width, 'latin1')
}
let at = 0
const read = (index: number) => network.toString('latin1', index * width, (index + 1) * width)
const next = () => {
  at = at + 1 < asked ? at + 1 : 0
  return read(at)
}
let cookie = ''
const request = {
  method: 'GET',
  url: '/vitals',
  header: (header: string) => (header === 'cookie' ? cookie : undefined),
}
const find = (text: string) => {
  cookie = text
  return launch.contextFor(request)
}
for (let i = 0; i < asked; i++) if (!(await find(read(i)))) throw new Error('A session is gone.')

const found = await nanoseconds(
  {
    // One person's requests, whoever else there is.
    map: () => map.get(read(0).slice(name.length + 1)),
    ours: () => find(read(0)),
    // Each session as likely as any other.
    mapAny: () => map.get(next().slice(name.length + 1)),
    oursAny: () => find(next()),
  },
  rounds,
)
process.send?.(found)

function newId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')
}
