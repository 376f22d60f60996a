import { describe, expect, it } from 'vitest'
import { type BackendServices, createBackendServices, loadKeySet, privateKeyJwt } from '../../src/index.ts'
import { createCachingVerifier } from '../support/caching-verifier.ts'
import { ecJwk, readJwt } from '../support/signing-jwks.ts'

const SECOND = 1000
const MAX_AGE_SECONDS = 600
const RELOAD_SECONDS = 60
const PERIOD_SECONDS = 3 * 3600
/** Enough to meet each moment of a rotation. `test:random` makes the 10,000 over three rotations that the README counts. */
const REQUESTS_PER_PERIOD = 400
const RUNS_FACTOR = Number(process.env.FHIR_AUTH_RUNS_FACTOR ?? 1)
const SERVERS = 8
const REPLICAS = 3
const ASSERTION_SECONDS = 240

interface Plan {
  /** How long after the new key is in the set it begins to sign; undefined for at once, without a time. */
  leadSeconds: number | undefined
  /** When the old key is taken out of the set, after the new one began to sign; undefined for never. */
  removeAfterSeconds?: number
  /** How far a replica's clock is off. */
  clockSkewSeconds?: number
  /** Default 1. */
  rotations?: number
  /** Default 400. */
  requestsPerPeriod?: number
}

/** What the documentation says: an hour ahead, for reload, max-age and a margin. */
const AS_DOCUMENTED: Plan = { leadSeconds: 3600 }

/** Numbers that look random and are the same in each run. */
function createRandom(seed: number) {
  let state = seed
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state / 2 ** 32) * below
  }
}

/**
 * Three replicas behind one JWKS URL, each of which reads the same private JWKS in its own time, eight authorization
 * servers that cache, and an operator who edits the JWKS every three hours.
 */
async function simulate(plan: Plan) {
  const { leadSeconds, removeAfterSeconds, clockSkewSeconds = 0, rotations = 1 } = plan
  const { requestsPerPeriod = REQUESTS_PER_PERIOD } = plan
  const random = createRandom(2026)
  const begin = Date.now()
  const clock = { now: begin }
  let serial = 0
  const newKey = () => ({ ...ecJwk('P-256'), kid: `key-${++serial}`, alg: 'ES256' })
  let secret: { keys: Record<string, unknown>[] } = { keys: [newKey()] }
  const edits: { at: number; apply: () => void }[] = []
  for (let rotation = 1; rotation <= rotations; rotation++) {
    const publishedAt = begin + rotation * PERIOD_SECONDS * SECOND
    const signFrom = publishedAt + (leadSeconds ?? 0) * SECOND
    const key = newKey()
    edits.push({
      at: publishedAt,
      apply: () => {
        const next = leadSeconds === undefined ? key : { ...key, signFrom: new Date(signFrom).toISOString() }
        secret = { keys: leadSeconds === undefined ? [next, ...secret.keys] : [...secret.keys, next] }
      },
    })
    if (removeAfterSeconds !== undefined) {
      const apply = () => {
        secret = { keys: secret.keys.filter(({ kid }) => kid === key.kid) }
      }
      edits.push({ at: signFrom + removeAfterSeconds * SECOND, apply })
    }
  }
  edits.sort((one, other) => one.at - other.at)

  const clockOf = (replica: number) => () => clock.now + (replica - 1) * clockSkewSeconds * SECOND
  const replicas: BackendServices[] = []
  const rejected: string[] = []
  const signers = new Set<unknown>()
  const underWay: { at: number; server: number; assertion: string }[] = []
  let decided = 0
  /** The servers decide what has come to its time. */
  const decide = async () => {
    for (const request of underWay.splice(0)) {
      if (request.at > clock.now) {
        underWay.push(request)
        continue
      }
      const refusal = await servers[request.server]?.refusalOf(request.assertion, request.at)
      decided++
      if (refusal !== undefined) rejected.push(refusal)
    }
  }
  const routeToServer: typeof fetch = async (url, init) => {
    const assertion = new URLSearchParams(String(init?.body)).get('client_assertion') ?? ''
    signers.add(readJwt(assertion).header.kid)
    const server = Number(/\d+/.exec(new URL(String(url)).hostname)?.[0])
    // A server may take its time, but not longer than the assertion lives.
    const lateBy = random(ASSERTION_SECONDS - 2 * clockSkewSeconds - 15) * SECOND
    underWay.push({ at: clock.now + lateBy, server, assertion })
    return Response.json({ access_token: crypto.randomUUID(), token_type: 'bearer', expires_in: 60 })
  }
  const jwksRequest = { method: 'GET', url: '/.well-known/jwks.json', header: () => undefined }
  const servers = Array.from({ length: SERVERS }, () =>
    createCachingVerifier(async () => {
      const answer = await replicas[Math.floor(random(REPLICAS))]?.answer(jwksRequest)
      return answer ?? { headers: {}, body: '' }
    }),
  )
  const fhirBaseUrls = servers.map((_, index) => `https://ehr${index}.example.com/fhir`)
  for (let replica = 0; replica < REPLICAS; replica++) {
    const keys = await loadKeySet(() => secret, { reloadSeconds: RELOAD_SECONDS })
    replicas.push(
      createBackendServices({
        ...{ keys, jwksMaxAgeSeconds: MAX_AGE_SECONDS, scope: 'system/Patient.rs', fetch: routeToServer },
        now: clockOf(replica),
        registrations: fhirBaseUrls.map((fhirBaseUrl) => ({
          ...{ fhirBaseUrl, clientId: 'job', clientAuth: privateKeyJwt(keys) },
          metadata: { token_endpoint: `${new URL(fhirBaseUrl).origin}/token` },
        })),
      }),
    )
  }

  const total = (rotations + 1) * requestsPerPeriod
  const step = (PERIOD_SECONDS * SECOND) / requestsPerPeriod
  let requests = 0
  const lastRequestAt = new Map<string, number>()
  while (requests < total) {
    clock.now += step * (0.5 + random(1))
    while (edits[0] && edits[0].at <= clock.now) edits.shift()?.apply()
    await decide()
    const [replica, server] = [Math.floor(random(REPLICAS)), Math.floor(random(SERVERS))]
    const pair = `${replica} ${server}`
    // A token of 60 s serves for as long, so a pair is asked again when it has run out: each is a real token request.
    if (clock.now - (lastRequestAt.get(pair) ?? 0) < 61 * SECOND) continue
    lastRequestAt.set(pair, clock.now)
    await replicas[replica]?.context({ fhirBaseUrl: fhirBaseUrls[server] })
    requests++
  }
  while (underWay.length > 0) {
    clock.now += 10 * SECOND
    await decide()
  }
  return { decided, rejected, signers: [...signers] }
}

describe('token requests over three rotations, at servers that cache the JWKS up to its max-age', () => {
  const timeout = 120_000

  it('JWKS-03 JWKS-06 none is rejected, and no restart is needed', { timeout }, async () => {
    const requestsPerPeriod = RUNS_FACTOR > 1 ? 2500 : REQUESTS_PER_PERIOD
    const { decided, rejected, signers } = await simulate({ ...AS_DOCUMENTED, rotations: 3, requestsPerPeriod })
    expect(decided).toBe(4 * requestsPerPeriod)
    expect(signers).toEqual(['key-1', 'key-2', 'key-3', 'key-4'])
    expect(rejected).toEqual([])
  })

  it('JWKS-06 none is rejected with the least lead and overlap there may be', { timeout }, async () => {
    const leadSeconds = RELOAD_SECONDS + MAX_AGE_SECONDS
    const { rejected, signers } = await simulate({
      leadSeconds,
      removeAfterSeconds: RELOAD_SECONDS + ASSERTION_SECONDS,
    })
    expect(signers).toEqual(['key-1', 'key-2'])
    expect(rejected).toEqual([])
  })

  it('JWKS-06 none is rejected when the clocks of the replicas are a minute apart', { timeout }, async () => {
    const { rejected, signers } = await simulate({ ...AS_DOCUMENTED, clockSkewSeconds: 30 })
    expect(signers).toEqual(['key-1', 'key-2'])
    expect(rejected).toEqual([])
  })
})

describe('the simulation is strict: it rejects what breaks a rule', () => {
  const timeout = 120_000

  it.each<[string, Plan]>([
    ['a new key that signs at once', { leadSeconds: undefined }],
    ['a new key that signs before max-age is over', { leadSeconds: MAX_AGE_SECONDS / 2 }],
    [
      'an old key that is taken out as soon as the new one signs',
      { leadSeconds: 3600, removeAfterSeconds: 0, rotations: 2 },
    ],
  ])('JWKS-06 %s', { timeout }, async (_name, plan) => {
    const { rejected } = await simulate(plan)
    expect(rejected.length).toBeGreaterThan(0)
    expect(rejected.every((reason) => reason.startsWith('0 keys with the kid'))).toBe(true)
  })
})
