import type { SandboxFault } from '@fhir-auth/sandbox'
import { describe, expect, it, vi } from 'vitest'
import { createFhirGuard, MissingContext } from '../../src/adapter.ts'
import { createSmartLaunch, type FhirAuthEvent, publicClient, type Store, smart } from '../../src/index.ts'
import { refreshGrant } from '../../src/oauth/grants.ts'
import type { SessionRecord } from '../../src/session/record.ts'
import { createSealer } from '../../src/store/sealing.ts'
import { createEventLog } from '../support/event-log.ts'
import { failureOf } from '../support/failure-of.ts'
import { createMapStore } from '../support/map-store.ts'
import {
  CLINICIAN,
  loggedIn,
  look,
  type PortalWorld,
  startPortal,
  startSecondInstance,
} from '../support/portal-world.ts'
import { registeredClient } from '../support/registered-client.ts'

const refreshes = (portal: PortalWorld) => portal.tokenRequests('refresh_token')
const stores: [string, () => Store | undefined][] = [
  ['in memory', () => undefined],
  ['shared', createMapStore],
]
/** Of the sandbox's tokens: 300 seconds, renewed in the last 30, and not used in the last 5. */
const [EARLY, EXPIRED] = [275, 296]

describe('a refresh', () => {
  it('RFR-01 sends the refresh token and nothing else, with the authentication of the code exchange', async () => {
    const portal = await startPortal()
    const browser = await loggedIn(portal)
    portal.advanceSeconds(EXPIRED)
    expect((await look(browser, portal.origin)).status).toBe(200)
    const [refresh] = refreshes(portal)
    expect([...refresh!.form.keys()].sort()).toEqual(['grant_type', 'refresh_token'])
    expect(refresh!.headers.authorization).toBe(portal.tokenRequests()[0]!.headers.authorization)
  })

  it('RFR-01 of a public client names the client in its body', async () => {
    const portal = await startPortal({ clientAuth: publicClient() })
    portal.sandbox.registerClient({ clientId: 'portal', redirectUris: [`${portal.origin}/callback`] })
    const browser = await loggedIn(portal)
    portal.advanceSeconds(EXPIRED)
    expect((await look(browser, portal.origin)).status).toBe(200)
    expect(refreshes(portal)[0]!.form.get('client_id')).toBe('portal')
    expect(refreshes(portal)[0]!.headers.authorization).toBeUndefined()
  })

  it('RFR-02 cannot ask for more than was granted: it is refused before anything is sent', async () => {
    const sent: string[] = []
    const http = {
      fetch: async (_: unknown, init?: RequestInit) => {
        sent.push(String(init?.body))
        return Response.json({ access_token: 'x', token_type: 'Bearer' })
      },
    }
    const refresh = (scope?: string) =>
      refreshGrant(
        { refreshToken: 'the-refresh-token', grantedScope: 'patient/*.rs', scope },
        {
          client: registeredClient(),
          server: { tokenEndpoint: 'https://auth.example/token', issuer: undefined },
          channel: { http, now: () => 0 },
        },
      )
    expect(await failureOf(() => refresh('patient/*.rs patient/*.cud'))).toMatchObject({ code: 'invalid_option' })
    expect(sent).toEqual([])
    await refresh()
    await refresh('patient/Observation.rs')
    expect(sent.map((body) => new URLSearchParams(body).get('scope'))).toEqual([null, 'patient/Observation.rs'])
  })

  it('RFR-03 stores the new refresh token in place of the old one, and uses it next', async () => {
    const portal = await startPortal()
    const browser = await loggedIn(portal)
    for (let i = 0; i < 3; i++) {
      portal.advanceSeconds(EXPIRED)
      expect((await look(browser, portal.origin)).status).toBe(200)
    }
    expect(new Set(refreshes(portal).map(({ form }) => form.get('refresh_token'))).size).toBe(3)
    expect(portal.sandbox.refreshReuseDetections).toBe(0)
  })

  it('RFR-03 RFR-08 keeps the old refresh token where none comes back, and assumes 300 seconds without expires_in', async () => {
    const portal = await startPortal({}, { rotateRefreshTokens: false })
    const browser = await loggedIn(portal)
    const patch = ({ refresh_token: _, expires_in: __, ...body }: Record<string, unknown>) => body
    portal.sandbox.fault({ at: 'token', kind: 'json', patch })
    for (let i = 0; i < 2; i++) {
      portal.advanceSeconds(EXPIRED)
      expect((await look(browser, portal.origin)).status).toBe(200)
    }
    expect(new Set(refreshes(portal).map(({ form }) => form.get('refresh_token'))).size).toBe(1)
    expect(refreshes(portal)).toHaveLength(2)
  })

  it('RFR-05 needs a refresh token, not a scope that says so', async () => {
    const portal = await startPortal()
    const patch = (body: Record<string, unknown>) => ({ ...body, scope: 'patient/*.rs' })
    portal.sandbox.fault({ at: 'token', kind: 'json', patch })
    const browser = await loggedIn(portal)
    portal.advanceSeconds(EXPIRED)
    expect((await look(browser, portal.origin)).status).toBe(200)
  })

  it('RFR-05 is not tried without one: the person logs in again', async () => {
    const portal = await startPortal({ scope: 'launch/patient patient/*.rs' })
    const browser = await loggedIn(portal)
    portal.advanceSeconds(EXPIRED)
    expect((await look(browser, portal.origin)).status).toBe(401)
    expect(portal.failures).toEqual([])
    expect(refreshes(portal)).toEqual([])
  })

  it('RFR-06 keeps patient, identity and context that do not come again, and takes those that do', async () => {
    const portal = await startPortal()
    const patient = portal.sandbox.patients[1]!.id
    const browser = await loggedIn(portal, patient)
    const before = (await look(browser, portal.origin)).seen!
    const patch = ({ patient: _, id_token: __, ...body }: Record<string, unknown>) => ({ ...body, intent: 'order' })
    portal.sandbox.fault({ at: 'token', kind: 'json', patch })
    portal.advanceSeconds(EXPIRED)
    const { seen } = await look(browser, portal.origin)
    expect(seen).toEqual({ ...before, accessToken: seen?.accessToken })
    expect(seen?.accessToken).not.toBe(before.accessToken)
    expect((await portal.contextOf(browser))?.launch.intent).toBe('order')
  })

  it.each([
    ['patient', { patient: 'somebody-else' }],
    ['encounter', { encounter: 'another-one' }],
    ['patient, by what is no id', { patient: '1?_count=1000' }],
  ])('RFR-06 ends the launch when it names another %s, and nobody keeps the new tokens', async (_, members) => {
    const events: FhirAuthEvent[] = []
    const portal = await startPortal({ onEvent: (event) => void events.push(event) })
    const browser = await loggedIn(portal)
    portal.sandbox.fault({ at: 'token', kind: 'json', patch: (body) => ({ ...body, ...members }) })
    portal.advanceSeconds(EXPIRED)
    expect((await look(browser, portal.origin)).status).toBe(401)
    portal.sandbox.clearFaults()
    expect((await look(browser, portal.origin)).status).toBe(401)
    expect(events.at(-1)).toMatchObject({ type: 'launch_ended', reason: 'context_changed' })
    expect(portal.sandbox.requestsTo('/revoke')).toHaveLength(1)
    expect(portal.tokenRequests('refresh_token')).toHaveLength(1)
  })

  it('RFR-06 ends the session when its id_token names another person: the new token is not used', async () => {
    const portal = await startPortal()
    const browser = await loggedIn(portal)
    let issued: unknown
    portal.sandbox.fault({
      at: 'token',
      kind: 'json',
      patch: async (body) => {
        issued = body.access_token
        const now = Math.floor(Date.now() / 1000)
        const claims = { iss: portal.sandbox.issuer, aud: 'portal', sub: 'somebody-else', iat: now, exp: now + 3600 }
        return { ...body, id_token: await portal.sandbox.signIdToken(claims) }
      },
    })
    portal.advanceSeconds(EXPIRED)
    expect((await look(browser, portal.origin)).status).toBe(401)
    expect(issued).toBeTypeOf('string')
    portal.sandbox.clearFaults()
    portal.advanceSeconds(6)
    expect((await look(browser, portal.origin)).status).toBe(401)
    expect(portal.failures).toEqual([])
    expect(refreshes(portal)).toHaveLength(1)
  })

  it('RFR-06 OIDC Core §12.2: ends the session when its id_token is of another issuer that the rule takes, too', async () => {
    const portal = await startPortal({ dialect: smart({ idToken: { issuer: (issuer) => issuer.startsWith('http') } }) })
    const browser = await loggedIn(portal)
    const sub = (await look(browser, portal.origin)).seen?.sub
    portal.sandbox.fault({
      at: 'token',
      kind: 'json',
      patch: async (body) => {
        const now = Math.floor(Date.now() / 1000)
        const claims = { iss: `${portal.sandbox.issuer}/b`, aud: 'portal', sub, iat: now, exp: now + 3600 }
        return { ...body, id_token: await portal.sandbox.signIdToken(claims) }
      },
    })
    portal.advanceSeconds(EXPIRED)
    expect((await look(browser, portal.origin)).status).toBe(401)
    expect(portal.sandbox.requestsTo('/revoke')).toHaveLength(1)
  })

  it.each<[string, object]>([
    ['an older auth_time', { auth_time: 1 }],
    ['another nonce', { nonce: 'another' }],
    ['no expiry', { exp: undefined }],
    ['events', { events: {} }],
  ])(
    'RFR-06 OIDC Core §12.2: an id_token with %s does not count, which is told; the identity stays',
    async (_, change) => {
      const { onEvent, outcomes } = createEventLog()
      const portal = await startPortal({ onEvent })
      const browser = await loggedIn(portal)
      const before = (await portal.contextOf(browser))?.idToken
      const patch = async (body: Record<string, unknown>) => {
        const now = Math.floor(Date.now() / 1000)
        const claims = { ...before, auth_time: before?.auth_time ?? 5, iat: now, exp: now + 3600, ...change }
        return { ...body, id_token: await portal.sandbox.signIdToken(claims) }
      }
      // The login has an auth_time for the refresh to keep.
      portal.sandbox.fault({ at: 'token', kind: 'json', patch })
      portal.advanceSeconds(EXPIRED)
      expect((await look(browser, portal.origin)).status).toBe(200)
      if (before?.auth_time === undefined && 'auth_time' in change) return
      expect(outcomes.map(({ type }) => type)).toEqual(['login', 'id_token_ignored', 'refresh'])
      expect((await portal.contextOf(browser))?.idToken).toEqual(before)
    },
  )

  it('RFR-07 outlives keys that cannot be fetched: the rotated token is kept, and the identity of the login', async () => {
    const portal = await startPortal({ session: { idleSeconds: 8 * 3600 } })
    const browser = await loggedIn(portal)
    const before = (await look(browser, portal.origin)).seen!
    portal.sandbox.fault({ at: 'jwks', kind: 'status', status: 503 })
    for (let i = 0; i < 2; i++) {
      portal.advanceSeconds(2 * 3600)
      const { seen } = await look(browser, portal.origin)
      expect(seen?.sub).toBe(before.sub)
      expect(seen?.accessToken).not.toBe(before.accessToken)
    }
    expect(portal.sandbox.requestsTo('/jwks').map(({ status }) => status)).toContain(503)
    expect(portal.sandbox.refreshReuseDetections).toBe(0)
  })
})

describe('many requests at once', () => {
  it.each(stores)('RFR-04 make one refresh, with a store %s', async (_, store) => {
    const portal = await startPortal({ session: { store: store() } })
    const browser = await loggedIn(portal)
    const { seen: before } = await look(browser, portal.origin)
    portal.sandbox.fault({ at: 'token', kind: 'slow', seconds: 0.1 })
    portal.advanceSeconds(EXPIRED)
    const looks = await Promise.all(Array.from({ length: 50 }, (_, i) => look(browser, `${portal.origin}/${i}`)))
    const tokens = new Set(looks.map(({ seen }) => seen?.accessToken))
    expect(tokens.size).toBe(1)
    expect(tokens).not.toContain(before!.accessToken)
    expect(refreshes(portal)).toHaveLength(1)
  })

  it('RFR-04 make one refresh in several processes as well', async () => {
    const portal = await startPortal({ session: { store: createMapStore() } })
    const browser = await loggedIn(portal)
    const other = await startSecondInstance(portal)
    portal.sandbox.fault({ at: 'token', kind: 'slow', seconds: 0.1 })
    portal.advanceSeconds(EXPIRED)
    const origins = Array.from({ length: 50 }, (_, i) => (i % 2 ? portal.origin : other.origin))
    const looks = await Promise.all(origins.map((origin) => look(browser, origin)))
    expect(looks.map(({ status }) => status)).toEqual(origins.map(() => 200))
    expect(new Set(looks.map(({ seen }) => seen?.accessToken)).size).toBe(1)
    expect(refreshes(portal)).toHaveLength(1)
    expect(portal.sandbox.refreshReuseDetections).toBe(0)
  })

  it('RFR-04 in several processes: when one fails, another one may try', async () => {
    const portal = await startPortal({ session: { store: createMapStore() } })
    const browser = await loggedIn(portal)
    const other = await startSecondInstance(portal)
    portal.sandbox.fault({ at: 'token', kind: 'status', status: 503, times: 1 })
    portal.advanceSeconds(EXPIRED)
    const looks = await Promise.all([portal, other].map(({ origin }) => look(browser, origin)))
    expect(looks.map(({ status }) => status).sort()).toEqual([200, 401])
    expect(refreshes(portal).map(({ status }) => status)).toEqual([503, 200])
  })

  it.each(stores)(
    'RFR-03 for two launches of one session lose neither rotated token, with a store %s',
    async (_, store) => {
      const portal = await startPortal({ session: { store: store() } })
      const patients = portal.sandbox.patients.slice(0, 2).map(({ id }) => id)
      const browser = await loggedIn(portal, patients[0])
      const first = (await look(browser, portal.origin)).seen!.launchId!
      const page = await browser.signIn(`${portal.origin}/login`, { user: CLINICIAN, patient: patients[1] })
      const ids = [first, new URL(page.url).searchParams.get('launch_id')!]
      for (let i = 0; i < 3; i++) {
        portal.advanceSeconds(EXPIRED)
        const looks = await Promise.all(ids.map((id) => look(browser, `${portal.origin}/?launch_id=${id}`)))
        expect(looks.map(({ seen }) => seen?.patient)).toEqual(patients)
      }
      expect(refreshes(portal)).toHaveLength(6)
      expect(portal.sandbox.refreshReuseDetections).toBe(0)
    },
  )

  it('RFR-03 while the person logs in at another patient keep the rotated token, under the new session id', async () => {
    const portal = await startPortal({ session: { store: createMapStore() } })
    const patients = portal.sandbox.patients.slice(0, 2).map(({ id }) => id)
    const browser = await loggedIn(portal, patients[0])
    const first = (await look(browser, portal.origin)).seen!.launchId!
    portal.advanceSeconds(EXPIRED)
    portal.sandbox.fault({ at: 'token', kind: 'slow', seconds: 0.5, times: 1 })
    const refreshing = look(browser, `${portal.origin}/?launch_id=${first}`)
    await vi.waitFor(() => expect(refreshes(portal)).toHaveLength(1))
    await browser.signIn(`${portal.origin}/login`, { user: CLINICIAN, patient: patients[1] })
    expect((await refreshing).seen?.patient).toBe(patients[0])
    portal.advanceSeconds(EXPIRED)
    expect((await look(browser, `${portal.origin}/?launch_id=${first}`)).seen?.patient).toBe(patients[0])
    expect(portal.sandbox.refreshReuseDetections).toBe(0)
  })
})

describe('a refresh that fails', () => {
  it('RFR-07 with invalid_grant ends the session: the person logs in again', async () => {
    const store = createMapStore()
    const portal = await startPortal({ session: { store } })
    const browser = await loggedIn(portal)
    portal.sandbox.revokeAll()
    portal.advanceSeconds(EXPIRED)
    expect((await look(browser, portal.origin)).status).toBe(401)
    expect(portal.failures).toEqual([])
    expect((await look(browser, portal.origin)).status).toBe(401)
    expect(refreshes(portal)).toHaveLength(1)
    const sealer = createSealer([portal.options.session.secret].flat() as string[], 'session')
    const [left] = (await Promise.all([...store.values.values()].map(sealer.open))).filter((content) => content)
    const [launch] = (left!.record as SessionRecord).launches
    expect(launch).toMatchObject({ accessToken: '', patient: expect.any(String) })
    expect(launch).not.toHaveProperty('refreshToken')
  })

  const faults: [string, SandboxFault][] = [
    ['a 503', { at: 'token', kind: 'status', status: 503 }],
    ['a 500 with JSON', { at: 'token', kind: 'status', status: 500, body: '{"error":"server_error"}' }],
    ['a reset connection', { at: 'token', kind: 'reset' }],
    ['a timeout', { at: 'token', kind: 'slow', seconds: 3 }],
    ['a web page', { at: 'token', kind: 'html' }],
    ['a redirect', { at: 'token', kind: 'redirect', location: 'https://elsewhere.example/' }],
    ['an endless body', { at: 'token', kind: 'endless' }],
  ]
  it.each(faults)('RFR-07 with %s never ends the session: a later one succeeds', async (_, fault) => {
    const portal = await startPortal({ timeoutSeconds: 1 })
    const browser = await loggedIn(portal)
    portal.sandbox.fault(fault)
    portal.advanceSeconds(EXPIRED)
    expect((await look(browser, portal.origin)).status).toBe(401)
    expect(portal.failures).toMatchObject([{ code: 'token_unavailable', status: 503 }])
    portal.sandbox.clearFaults()
    portal.advanceSeconds(6)
    expect((await look(browser, portal.origin)).status).toBe(200)
    expect(portal.sandbox.refreshReuseDetections).toBe(0)
  })

  it('RFR-07 does not matter while the token is valid: it is still used', async () => {
    const portal = await startPortal()
    const browser = await loggedIn(portal)
    const { seen } = await look(browser, portal.origin)
    portal.sandbox.fault({ at: 'token', kind: 'status', status: 503 })
    portal.advanceSeconds(EARLY)
    expect((await look(browser, portal.origin)).seen).toEqual(seen)
    await vi.waitFor(() => expect(refreshes(portal).map(({ status }) => status)).toEqual([503]))
    portal.advanceSeconds(15)
    expect((await look(browser, portal.origin)).seen).toEqual(seen)
    expect(portal.failures).toEqual([])
  })

  it('RFR-07 is a 503 that says when to try again, and the server is left alone until then', async () => {
    const portal = await startPortal()
    const browser = await loggedIn(portal)
    portal.sandbox.fault({ at: 'token', kind: 'status', status: 503, headers: { 'retry-after': '17' } })
    portal.advanceSeconds(EXPIRED)
    await look(browser, portal.origin)
    portal.advanceSeconds(16)
    await look(browser, portal.origin)
    expect(refreshes(portal)).toHaveLength(1)
    portal.advanceSeconds(2)
    await look(browser, portal.origin)
    expect(refreshes(portal)).toHaveLength(2)

    const request = { method: 'GET', url: '/', header: () => undefined }
    const handler = createSmartLaunch(portal.options)
    const answer = createFhirGuard()(new MissingContext(handler, portal.failures[0]), request)
    expect(answer).toMatchObject({ kind: 'problem', status: 503, headers: { 'retry-after': '17' } })
    expect(JSON.parse(answer!.body)).toMatchObject({ code: 'token_unavailable' })
  })
})

describe('renewal in the background', () => {
  it.each(stores)('RFR-04 begins before the token expires: nobody waits, with a store %s', async (_, store) => {
    const portal = await startPortal({ session: { store: store() } })
    const browser = await loggedIn(portal)
    const { seen: before } = await look(browser, portal.origin)
    portal.advanceSeconds(EARLY - 10)
    expect((await look(browser, portal.origin)).seen).toEqual(before)
    expect(refreshes(portal)).toEqual([])
    portal.advanceSeconds(10)
    expect((await look(browser, portal.origin)).seen).toEqual(before)
    await vi.waitFor(async () => {
      expect((await look(browser, portal.origin)).seen?.accessToken).not.toBe(before!.accessToken)
    })
    expect(refreshes(portal)).toHaveLength(1)
  })

  it('RFR-07 does not bring a session back that the person has ended meanwhile', async () => {
    const portal = await startPortal({ session: { store: createMapStore() } })
    const browser = await loggedIn(portal)
    portal.sandbox.fault({ at: 'token', kind: 'slow', seconds: 0.3 })
    portal.advanceSeconds(EXPIRED)
    const refreshing = look(browser, portal.origin)
    await vi.waitFor(() => expect(refreshes(portal)).toHaveLength(1))
    await browser.request(`${portal.origin}/logout`, { method: 'POST', headers: { origin: portal.origin } })
    expect((await refreshing).seen).toBeNull()
  })
})
