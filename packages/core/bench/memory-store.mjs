// What sessions cost in the memory of a process, and whether their end costs a pause. Needs `dist/`: build core first.
//
//   node packages/core/bench/memory-store.mjs [sessions]     default: 1000000

import { fork } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { cpus } from 'node:os'
import { performance } from 'node:perf_hooks'
import { memoryStore } from '../dist/index.js'

const sessions = Number(process.argv[2] ?? 1_000_000)
/** Characters of an access token: opaque, and signed as most EHRs issue it. */
const tokenLengths = [43, 900]

if (process.argv[3] === undefined) {
  console.log(
    `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, ${sessions.toLocaleString('en')} sessions`,
  )
  // Each in a process of its own, with room and a garbage collector that can be called.
  for (const length of tokenLengths) {
    const execArgv = ['--expose-gc', '--max-old-space-size=12288']
    const child = fork(process.argv[1] ?? '', [String(sessions), String(length)], { execArgv })
    await new Promise((resolve) => child.once('exit', resolve))
  }
} else {
  measure(Number(process.argv[3]))
}

/** @param {number} tokenLength */
function measure(tokenLength) {
  let now = 0
  const store = memoryStore({ maxSessions: sessions, now: () => now })
  const ids = Array.from({ length: 1000 }, () => randomBytes(32).toString('base64url'))
  const before = usedBytes()
  const fill = timed(
    sessions,
    (index) => {
      const id = randomBytes(32).toString('base64url')
      if (index % (sessions / ids.length) === 0) ids[Math.floor(index / (sessions / ids.length))] = id
      return { id, record: session(tokenLength, 3_600_000) }
    },
    ({ id, record }) => store.set(id, record),
  )
  const each = (usedBytes() - before) / sessions
  console.log(
    `\nAccess token of ${tokenLength} characters: ${Math.round(each)} bytes a session, ${(each / 1000).toFixed(2)} GB a million`,
  )
  print('fill', fill)
  const idAt = (/** @type {number} */ index) => ids[index % ids.length] ?? ''
  const reads = timed(sessions, idAt, (id) => void store.get(id))
  print('read', reads)
  const next = (/** @type {number} */ expiresAt) => () => ({
    id: randomUUID(),
    record: session(tokenLength, expiresAt),
  })
  // One more for each: the bound holds, the oldest goes.
  const whenFull = timed(sessions / 4, next(3_600_000), ({ id, record }) => store.set(id, record))
  print('write when full', whenFull)
  console.log(`  held at the bound: ${store.size.toLocaleString('en')}`)
  now = 7_200_000
  const whenExpired = timed(sessions / 4, next(10_800_000), ({ id, record }) => store.set(id, record))
  print('write when all have expired', whenExpired)
  const live = sessions / 4
  console.log(`  held after ${live.toLocaleString('en')} writes: ${store.size.toLocaleString('en')}`)
}

/**
 * @template T
 * @param {number} count
 * @param {(index: number) => T} prepare is not timed
 * @param {(prepared: T) => void} work
 */
function timed(count, prepare, work) {
  const times = new Float64Array(count)
  for (let index = 0; index < count; index++) {
    const prepared = prepare(index)
    const start = performance.now()
    work(prepared)
    times[index] = performance.now() - start
  }
  return times.sort()
}

/** @param {string} what @param {Float64Array} times in milliseconds, sorted */
function print(what, times) {
  const at = (/** @type {number} */ share) =>
    (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0) * 1000
  const [half, rare, longest] = [at(0.5), at(0.9999), at(1)].map((value) => `${value.toFixed(1)} µs`)
  console.log(`  ${what}: half within ${half}, 99.99 % within ${rare}, the longest ${longest}`)
}

/** @param {number} tokenLength @param {number} expiresAt */
function session(tokenLength, expiresAt) {
  const text = (/** @type {number} */ length) => randomBytes(length).toString('base64url').slice(0, length)
  return Object.freeze({
    endsAt: expiresAt,
    expiresAt,
    launches: Object.freeze([
      Object.freeze({
        launchId: text(22),
        fhirBaseUrl: 'https://fhir.example.com/r4',
        clientId: 'portal',
        tokenEndpoint: 'https://auth.example.com/token',
        issuer: 'https://auth.example.com',
        accessToken: text(tokenLength),
        refreshToken: text(43),
        expiresAt,
        lifetimeSeconds: 300,
        scope: 'openid fhirUser launch/patient patient/*.rs offline_access',
        patient: text(16),
        encounter: undefined,
        fhirUser: { type: 'Patient', id: text(16), url: `https://fhir.example.com/r4/Patient/${text(16)}` },
        idToken: { iss: 'https://auth.example.com', sub: text(24), aud: 'portal', exp: expiresAt, iat: 0 },
        idTokenHint: undefined,
        launch: { need_patient_banner: true, patient: text(16) },
      }),
    ]),
  })
}

function usedBytes() {
  global.gc?.()
  global.gc?.()
  return process.memoryUsage().heapUsed
}
