import { inspect } from 'node:util'
import { createUserAgent } from '@fhir-auth/sandbox'
import { describe, expect, it, vi } from 'vitest'
import { createEmit } from '../../src/events.ts'
import { FhirAuthError, type FhirAuthEvent } from '../../src/index.ts'
import { createEventLog } from '../support/event-log.ts'
import { bothStores } from '../support/map-store.ts'
import { createNetworkStore } from '../support/network-store.ts'
import { EXPIRED_SECONDS, loggedIn, logOut, look, type PortalOptions, startPortal } from '../support/portal-world.ts'

const durationMs: number = expect.any(Number)

async function startWatched(options: PortalOptions = {}, ...more: Parameters<typeof startPortal>[1][]) {
  const { onEvent, all, outcomes: events } = createEventLog()
  const portal = await startPortal({ onEvent, ...options }, ...more)
  const origin = { fhirBaseUrl: portal.sandbox.fhirBaseUrl, clientId: 'portal' }
  return { portal, all, events, origin, types: () => events.map(({ type }) => type) }
}

const unreadable = { need_patient_banner: 'perhaps', expires_in: 'soon', tenant: 42 }

describe.each(bothStores)('onEvent, with a store %s,', (_, store) => {
  it('is told of a login: of which patient, at which server, from the EHR or not', async () => {
    const { portal, events, origin } = await startWatched({ session: { store: store() } })
    const [standalone, fromEhr] = portal.sandbox.patients.map(({ id }) => id)
    const browser = await loggedIn(portal, standalone)
    const { seen } = await look(browser, portal.origin)
    const { launchId } = seen!
    expect(events).toEqual([
      { type: 'login', ...origin, launchId, isEhrLaunch: false, patient: standalone, durationMs },
    ])
    const launchUrl = `${portal.origin}/launch`
    const page = await browser.signIn(portal.sandbox.ehrLaunch({ launchUrl, patient: fromEhr! }))
    const second = new URL(page.url).searchParams.get('launch_id')
    expect(events.slice(1)).toEqual([
      { type: 'login', ...origin, launchId: second, isEhrLaunch: true, patient: fromEhr, durationMs },
    ])
  })

  it('is told of a login that failed, with its code', async () => {
    const { portal, events, origin } = await startWatched({ session: { store: store() } })
    await createUserAgent().signIn(`${portal.origin}/login`, { deny: true })
    await createUserAgent().request(`${portal.origin}/callback?code=x&state=unknown`)
    await createUserAgent().request(`${portal.origin}/launch?iss=https%3A%2F%2Fevil.example&launch=x`)
    const codes = ['authorization_denied', 'state_mismatch', 'unknown_issuer']
    expect(events).toMatchObject(codes.map((code) => ({ type: 'login_failed', code, error: { code }, durationMs })))
    // The others belong to no login of this app.
    expect(events.filter((event) => 'clientId' in event)).toEqual([expect.objectContaining(origin)])
  })

  it('is told of the server at which a login could not begin, of a person and of the EHR', async () => {
    const { portal, events, origin } = await startWatched({ session: { store: store() } })
    const launchUrl = portal.sandbox.ehrLaunch({ launchUrl: `${portal.origin}/launch`, patient: 'amber-testwell' })
    for (const at of ['smart-configuration', 'metadata'] as const) {
      portal.sandbox.fault({ at, kind: 'status', status: 503 })
    }
    await createUserAgent().request(`${portal.origin}/login`)
    await createUserAgent().request(launchUrl)
    const failure = { type: 'login_failed', code: 'discovery_failed', ...origin }
    expect(events).toMatchObject([failure, failure])
  })

  it('is told of refreshes and of those that failed, once each', async () => {
    const { portal, events, origin, types } = await startWatched({ session: { store: store() } })
    const browser = await loggedIn(portal)
    const { launchId } = (await look(browser, portal.origin)).seen!
    portal.sandbox.fault({ at: 'token', kind: 'status', status: 503, times: 1 })
    portal.advanceSeconds(EXPIRED_SECONDS)
    await Promise.all([1, 2, 3].map(() => look(browser, portal.origin)))
    portal.advanceSeconds(6)
    await Promise.all([1, 2, 3].map(() => look(browser, portal.origin)))
    expect(types()).toEqual(['login', 'refresh_failed', 'refresh'])
    const error = expect.objectContaining({ code: 'token_request_refused' })
    expect(events[1]).toEqual({ type: 'refresh_failed', ...origin, launchId, error, durationMs })
    expect(events[2]).toEqual({ type: 'refresh', ...origin, launchId, durationMs })
  })

  it('RSP-06 is told of members that cannot be read, at login and refresh; texts of booleans and numbers are read', async () => {
    const { portal, events, origin, types } = await startWatched({ session: { store: store() } })
    portal.sandbox.fault({ at: 'token', kind: 'json', times: 1, patch: (body) => ({ ...body, ...unreadable }) })
    const browser = await loggedIn(portal)
    expect(types()).toEqual(['members_ignored', 'login'])
    const members = ['expires_in', 'need_patient_banner']
    expect(events[0]).toEqual({ type: 'members_ignored', ...origin, members })
    const banner = { need_patient_banner: 'true', expires_in: '300', intent: { a: 1 } }
    portal.sandbox.fault({ at: 'token', kind: 'json', patch: (body) => ({ ...body, ...banner }) })
    portal.advanceSeconds(EXPIRED_SECONDS)
    await look(browser, portal.origin)
    expect(events.slice(2)).toMatchObject([{ type: 'members_ignored', members: ['intent'] }, { type: 'refresh' }])
    const context = await portal.contextOf(browser)
    expect(context?.launch).toMatchObject({ need_patient_banner: true, tenant: '42' })
  })

  it('is told that a launch ended, and why: the server said so', async () => {
    const { portal, events, origin } = await startWatched({ session: { store: store() } })
    const browser = await loggedIn(portal)
    const { launchId } = (await look(browser, portal.origin)).seen!
    portal.sandbox.revokeAll()
    portal.advanceSeconds(EXPIRED_SECONDS)
    await look(browser, portal.origin)
    await look(browser, portal.origin)
    expect(events.slice(1)).toEqual([{ type: 'launch_ended', ...origin, launchId, reason: 'invalid_grant' }])
    // It has ended, so that the logout ends nothing more.
    await logOut(portal, browser)
    expect(events).toHaveLength(2)
  })

  it('is told that a launch ended, and why: the person logged out', async () => {
    const { portal, events, origin } = await startWatched({ session: { store: store() } })
    const browser = await loggedIn(portal)
    const { launchId } = (await look(browser, portal.origin)).seen!
    await logOut(portal, browser)
    await logOut(portal, browser)
    expect(events.slice(1)).toEqual([{ type: 'launch_ended', ...origin, launchId, reason: 'logout' }])
  })

  it('is told that a launch ended, and why: the id_token names somebody else', async () => {
    const { portal, events, origin } = await startWatched({ session: { store: store() } })
    const browser = await loggedIn(portal)
    const { launchId } = (await look(browser, portal.origin)).seen!
    const { sandbox } = portal
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: sandbox.issuer, aud: 'portal', sub: 'somebody-else', iat: now, exp: now + 3600 }
    const idToken = await sandbox.signIdToken(claims, { key: 'unknown' })
    sandbox.fault({ at: 'token', kind: 'json', patch: (body) => ({ ...body, id_token: idToken }) })
    // Even where the keys are missing that check its signature.
    sandbox.fault({ at: 'jwks', kind: 'status', status: 503 })
    portal.advanceSeconds(EXPIRED_SECONDS)
    expect((await look(browser, portal.origin)).status).toBe(401)
    expect(events.slice(1)).toEqual([{ type: 'launch_ended', ...origin, launchId, reason: 'invalid_id_token' }])
    expect(sandbox.requestsTo('/jwks').at(-1)?.status).toBe(503)
  })

  it('never sees a secret: token, code, verifier, handle, cookie or client secret', async () => {
    const { portal, all, types } = await startWatched({ session: { store: store() } })
    const { sandbox } = portal
    const answers: Record<string, unknown>[] = []
    sandbox.fault({ at: 'token', kind: 'json', patch: (body) => void answers.push({ ...body }) })
    const browser = createUserAgent()
    const launch = sandbox.ehrLaunch({ launchUrl: `${portal.origin}/launch`, patient: sandbox.patients[0]!.id })
    const page = await browser.signIn(launch)
    const cookies = browser.cookies.map(({ value }) => value)
    portal.advanceSeconds(EXPIRED_SECONDS)
    await look(browser, page.url)
    sandbox.clearFaults()
    // An answer that says back what it was asked.
    const refresh = String(answers.at(-1)?.refresh_token)
    const body = JSON.stringify({ error: 'server_error', error_description: `no ${refresh}` })
    sandbox.fault({ at: 'token', kind: 'status', status: 500, body, times: 1 })
    portal.advanceSeconds(EXPIRED_SECONDS)
    await look(browser, page.url)
    await createUserAgent().signIn(`${portal.origin}/login`, { deny: true })
    sandbox.revokeAll()
    portal.advanceSeconds(6)
    await look(browser, page.url)
    expect(new Set(types())).toEqual(new Set(['login', 'refresh', 'refresh_failed', 'login_failed', 'launch_ended']))

    const forms = sandbox
      .requestsTo('/token')
      .flatMap(({ form }) => ['code', 'code_verifier', 'refresh_token'].map((name) => form.get(name)))
    const tokens = answers.flatMap((answer) => [answer.access_token, answer.refresh_token, answer.id_token])
    const basic = sandbox.requestsTo('/token')[0]!.headers.authorization!.split(' ')[1]!
    const clientSecret = Buffer.from(basic, 'base64').toString().split(':')[1]
    const handle = new URL(launch).searchParams.get('launch')
    const secrets = [...forms, ...tokens, ...cookies, basic, clientSecret, handle, portal.options.session.secret]
    const shown =
      inspect(all, { depth: Number.POSITIVE_INFINITY, showHidden: true, maxStringLength: null }) + JSON.stringify(all)
    const known = secrets.filter((secret) => typeof secret === 'string' && secret !== '')
    expect(known.length).toBeGreaterThan(12)
    for (const secret of known) expect(shown).not.toContain(secret)
  })
})

describe('onEvent', () => {
  it('is told of each request to the server, what it was for, and how long it took', async () => {
    const { portal, all, origin } = await startWatched()
    const { sandbox } = portal
    const browser = await loggedIn(portal)
    portal.advanceSeconds(EXPIRED_SECONDS)
    sandbox.fault({ at: 'token', kind: 'reset', times: 1 })
    await look(browser, portal.origin)
    const answered = { type: 'request', status: 200, error: undefined, grantType: undefined, durationMs }
    const token = { ...answered, purpose: 'token', url: `${sandbox.issuer}/token` }
    const discovery = {
      ...answered,
      purpose: 'discovery',
      url: `${sandbox.fhirBaseUrl}/.well-known/smart-configuration`,
    }
    expect(all.filter(({ type }) => type === 'request')).toEqual([
      discovery,
      { ...token, grantType: 'authorization_code' },
      { ...answered, purpose: 'jwks', url: `${sandbox.issuer}/jwks` },
      // What was discovered is old by now.
      discovery,
      {
        ...{ ...token, grantType: 'refresh_token', status: undefined },
        error: expect.objectContaining({ code: 'network_error' }),
      },
    ])
    const started = { type: 'login_started', ...origin, isEhrLaunch: false, durationMs }
    expect(all.filter(({ type }) => type === 'login_started')).toEqual([started])
  })

  it('gets what JSON shows: message, cause, server, client, duration', async () => {
    const { portal, events, origin } = await startWatched()
    const browser = await loggedIn(portal)
    portal.sandbox.fault({ at: 'token', kind: 'status', status: 503, times: 1 })
    portal.advanceSeconds(EXPIRED_SECONDS)
    await look(browser, portal.origin)
    const shown = JSON.parse(JSON.stringify(events.at(-1)))
    expect(shown).toMatchObject({
      type: 'refresh_failed',
      ...origin,
      durationMs,
      error: { code: 'token_request_refused' },
    })
    expect(shown.error.message).toMatch(/answered 503/)
    const cause = new Error('connection refused', { cause: 'what it holds' })
    const error = new FhirAuthError('session_store_failed', 'The store failed.', { cause })
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      ...{ name: 'FhirAuthError', code: 'session_store_failed', status: 503, message: 'The store failed.' },
      reference: error.reference,
      cause: { name: 'Error', message: 'connection refused' },
    })
    const outer = new FhirAuthError('token_unavailable', 'No token.', { cause: error })
    expect(JSON.parse(JSON.stringify(outer)).cause.cause.message).toBe('connection refused')
  })

  it('is told of every failure of a shared store', async () => {
    const store = createNetworkStore()
    const { portal, events } = await startWatched({ session: { store } })
    const browser = await loggedIn(portal)
    store.way = 'down'
    await look(browser, portal.origin)
    const error = expect.objectContaining({ code: 'session_store_failed' })
    expect(events.slice(1)).toEqual([{ type: 'store_failed', error }])
  })

  it('breaks nothing by what it throws, at once or later', async () => {
    const unhandled = vi.fn()
    process.once('unhandledRejection', unhandled)
    for (const onEvent of [
      () => {
        throw new Error('log is full')
      },
      () => Promise.reject(new Error('log is full')),
    ]) {
      const portal = await startPortal({ onEvent })
      expect((await look(await loggedIn(portal), portal.origin)).status).toBe(200)
    }
    await new Promise((resolve) => setImmediate(resolve))
    process.removeListener('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  it('gets what it cannot change', () => {
    const seen: FhirAuthEvent[] = []
    createEmit((event) => void seen.push(event))({
      type: 'token_failed',
      ...{ fhirBaseUrl: 'x', clientId: 'y' },
      ...{ scope: 'z', durationMs: 1 },
      error: new Error() as never,
    })
    expect(Object.isFrozen(seen[0])).toBe(true)
  })
})
