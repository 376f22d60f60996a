import { createUserAgent } from '@fhir-auth/sandbox'
import { describe, expect, it, vi } from 'vitest'
import type { FhirContext } from '../../src/index.ts'
import { FhirAuthError } from '../../src/index.ts'
import { createEventLog } from '../support/event-log.ts'
import { bothStores, createMapStore } from '../support/map-store.ts'
import { openedSessions } from '../support/opened-sessions.ts'
import {
  EXPIRED_SECONDS,
  loggedIn,
  look,
  type PortalOptions,
  type PortalWorld,
  startPortal,
} from '../support/portal-world.ts'

const isSession = ({ name }: { name: string }) => name === 'fhir-auth.session'
const refreshes = (portal: PortalWorld) => portal.tokenRequests('refresh_token')
const json = { headers: { accept: 'application/json' } }

describe.each(bothStores)('afterLogin, with a store %s,', (_, store) => {
  const start = (options: PortalOptions) =>
    startPortal({ session: { store: store() }, ...options }, { consent: 'auto' })

  it('gets the context of the login, which can fetch, before the person is sent on', async () => {
    const calls: [FhirContext, number][] = []
    const portal = await start({
      afterLogin: async (fhir) => void calls.push([fhir, (await fhir.fetch(`Patient/${fhir.patient}`)).status]),
    })
    const browser = createUserAgent()
    const answer = await browser.request(await portal.callbackFor(browser))
    expect(answer.status).toBe(303)
    expect(calls.map(([, status]) => status)).toEqual([200])
    const { seen } = await look(browser, portal.origin)
    const [[fhir]] = calls as [[FhirContext, number]]
    expect(seen).toMatchObject({ patient: fhir.patient, launchId: fhir.launchId, accessToken: fhir.accessToken })
  })

  it('ends the login by an error of this library: a problem, no session, and the tokens are revoked', async () => {
    const { onEvent, outcomes: events } = createEventLog()
    let context: FhirContext | undefined
    const portal = await start({
      onEvent,
      afterLogin: (fhir) => {
        context = fhir
        throw new FhirAuthError('authorization_denied', 'There is no account of this person.')
      },
    })
    const browser = createUserAgent()
    const answer = await browser.request(await portal.callbackFor(browser), json)
    expect(await answer.json()).toMatchObject({ status: 403, detail: 'There is no account of this person.' })
    expect(events).toMatchObject([{ type: 'login_failed', code: 'authorization_denied' }])
    expect(browser.cookies).toEqual([])
    expect(portal.sandbox.requestsTo('/revoke').map(({ status }) => status)).toEqual([200])
    await expect(context!.fetch('Patient')).rejects.toMatchObject({ code: 'session_ended' })
  })

  it('ends the login by an error of the app, which gets it back as it was', async () => {
    const reason = new Error('database is away')
    const portal = await start({ afterLogin: () => Promise.reject(reason) })
    const browser = createUserAgent()
    expect((await browser.request(await portal.callbackFor(browser))).status).toBe(500)
    expect(portal.failures).toEqual([reason])
    expect(browser.cookies.some(isSession)).toBe(false)
    expect(portal.sandbox.requestsTo('/revoke')).toHaveLength(1)
  })

  it('leaves alone what the browser had before, when it ends a login', async () => {
    let isClosed = false
    const portal = await start({
      afterLogin: () => {
        if (isClosed) throw new FhirAuthError('authorization_denied', 'Closed.')
      },
    })
    const browser = createUserAgent()
    await browser.visit(await portal.callbackFor(browser))
    const before = await look(browser, portal.origin)
    isClosed = true
    expect((await browser.request(await portal.callbackFor(browser), json)).status).toBe(403)
    expect(await look(browser, portal.origin)).toEqual(before)
    portal.advanceSeconds(EXPIRED_SECONDS)
    expect((await look(browser, portal.origin)).seen).toMatchObject({ launchId: before.seen!.launchId })
  })
})

describe('a login that afterLogin has ended', () => {
  it('leaves no launch in a shared store', async () => {
    const store = createMapStore()
    const afterLogin = () => Promise.reject(new Error('no'))
    const portal = await startPortal({ session: { store }, afterLogin }, { consent: 'auto' })
    const browser = createUserAgent()
    await browser.request(await portal.callbackFor(browser))
    expect((await openedSessions(portal, store)).flatMap(({ launches }) => launches)).toEqual([])
  })
})

describe.each(bothStores)('afterRefresh, with a store %s,', (_, store) => {
  const start = (options: PortalOptions) => startPortal({ session: { store: store() }, ...options })

  it('gets the context of each new token once, and whoever waits for the token waits for it', async () => {
    const told: string[] = []
    const portal = await start({ afterRefresh: (fhir) => void told.push(fhir.accessToken) })
    const browser = await loggedIn(portal)
    expect(told).toEqual([])
    portal.advanceSeconds(EXPIRED_SECONDS)
    const looks = await Promise.all([1, 2, 3].map(() => look(browser, portal.origin)))
    expect(new Set(looks.map(({ seen }) => seen?.accessToken))).toEqual(new Set(told))
    expect(told).toHaveLength(1)
  })

  it('is told of a renewal in the background as well', async () => {
    const told: string[] = []
    const portal = await start({ afterRefresh: (fhir) => void told.push(fhir.accessToken) })
    const browser = await loggedIn(portal)
    portal.advanceSeconds(275)
    await look(browser, portal.origin)
    await vi.waitFor(() => expect(told).toHaveLength(1))
  })

  it('cannot lose a token by what it throws: the app gets its error once, and the token is kept', async () => {
    const reason = new Error('no')
    const portal = await start({ afterRefresh: () => Promise.reject(reason) })
    const browser = await loggedIn(portal)
    portal.advanceSeconds(EXPIRED_SECONDS)
    expect((await look(browser, portal.origin)).status).toBe(401)
    expect(portal.failures).toEqual([reason])
    expect((await look(browser, portal.origin)).status).toBe(200)
    expect(refreshes(portal)).toHaveLength(1)
  })

  it('cannot end the session by an invalid_grant of its own', async () => {
    const oauth = { error: 'invalid_grant' }
    const reason = new FhirAuthError('token_request_refused', 'Of another server.', { oauth })
    const portal = await start({ afterRefresh: () => Promise.reject(reason) })
    const browser = await loggedIn(portal)
    portal.advanceSeconds(EXPIRED_SECONDS)
    await look(browser, portal.origin)
    expect((await look(browser, portal.origin)).status).toBe(200)
  })

  it('may fetch from a server that refuses the new token too: one more refresh, and no end of it', async () => {
    const statuses: number[] = []
    const portal = await start({
      afterRefresh: async (fhir) => void statuses.push((await fhir.fetch('Patient')).status),
    })
    const browser = await loggedIn(portal)
    portal.sandbox.fault({ at: 'fhir', kind: 'status', status: 401 })
    portal.advanceSeconds(EXPIRED_SECONDS)
    expect((await look(browser, portal.origin)).status).toBe(200)
    expect(statuses).toEqual([401])
    expect(refreshes(portal)).toHaveLength(2)
  })
})
