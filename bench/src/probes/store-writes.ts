import { randomBytes } from 'node:crypto'
import { memoryStore } from '@fhir-auth/core'
import type { StoredSession } from '../support/fhir-login.ts'

// Says what sessions at rest take of the heap, and whether writing among very many ever makes a request wait.
const [count = 0, tokenLength = 0] = process.argv.slice(2).map(Number)
const LIFETIME_MS = 3_600_000
let now = 0
const store = memoryStore<StoredSession>({ maxSessions: count, now: () => now })

const before = heapUsed()
const filling = writes(count)
const atRest = (heapUsed() - before) / count
// One more for each: the bound holds, and the oldest goes.
const whenFull = writes(count / 4)
now += 2 * LIFETIME_MS
const whenAllHaveExpired = writes(count / 4)
process.send?.({
  serialised: JSON.stringify(session()).length,
  atRest,
  filling,
  whenFull,
  whenAllHaveExpired,
  left: store.size,
})

/** Microseconds of so many writes. */
function writes(times: number): { half: number; nearlyAll: number; longest: number } {
  const taken = new Float64Array(times)
  for (let i = 0; i < times; i++) {
    const [id, record] = [text(43), session()]
    const startedAt = performance.now()
    store.set(id, record)
    taken[i] = (performance.now() - startedAt) * 1000
  }
  taken.sort()
  const at = (share: number) => taken[Math.min(times - 1, Math.floor(times * share))] ?? Number.NaN
  return { half: at(0.5), nearlyAll: at(0.999), longest: at(1) }
}

function session(): Parameters<typeof store.set>[1] {
  const expiresAt = now + LIFETIME_MS
  const launch = {
    launchId: text(22),
    fhirBaseUrl: 'https://fhir.example.org/r4',
    clientId: 'portal',
    tokenEndpoint: 'https://ehr.example.org/token',
    issuer: 'https://ehr.example.org',
    accessToken: text(tokenLength),
    refreshToken: text(43),
    expiresAt,
    lifetimeSeconds: 300,
    scope: 'openid fhirUser launch/patient patient/*.rs offline_access',
    patient: text(16),
    encounter: undefined,
    fhirUser: { type: 'Patient', id: text(16), url: `https://fhir.example.org/r4/Patient/${text(16)}` },
    idToken: { iss: 'https://ehr.example.org', sub: text(24), aud: 'portal', exp: expiresAt, iat: 0 },
    idTokenHint: undefined,
    launch: { need_patient_banner: true, patient: text(16) },
  }
  return { endsAt: expiresAt, expiresAt, launches: [launch] }
}

function text(length: number): string {
  return randomBytes(length).toString('base64url').slice(0, length)
}

function heapUsed(): number {
  for (let i = 0; i < 3; i++) globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
