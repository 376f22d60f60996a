import { createUserAgent, type UserAgent } from '@fhir-auth/sandbox'
import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/index.ts'
import { createMapStore } from '../support/map-store.ts'
import { look, newSecret, type PortalWorld, startPortal, startSecondInstance } from '../support/portal-world.ts'

const AUTO = { consent: 'auto' } as const
const PAGE = '/chart'
const json = { headers: { accept: 'application/json' } }

/** One round: the page at one process finds nobody, its login is finished at the other one. */
async function goRound(portal: PortalWorld, otherOrigin: string, browser: UserAgent): Promise<Response> {
  expect((await look(browser, portal.origin + PAGE)).status).toBe(401)
  const login = await browser.request(`${portal.origin}/login?${new URLSearchParams({ returnTo: PAGE })}`, json)
  if (login.status !== 303) return login
  const authorization = await fetch(login.headers.get('location') ?? '', { redirect: 'manual' })
  const callback = authorization.headers.get('location') ?? ''
  return browser.request(callback.replace(portal.origin, otherOrigin), json)
}

describe("two processes that do not find each other's sessions", () => {
  it.each([
    ['the memory store', () => memoryStore(), /memory store.*redisStore/],
    ['stores of their own', () => createMapStore(), /same session\.store and session\.secret/],
  ])('the loop of redirects ends after a few rounds, and the problem names the store: %s', async (_, store, text) => {
    const portal = await startPortal({ session: { store: store() } }, AUTO)
    const other = await startSecondInstance(portal, { session: { store: store() } })
    const browser = createUserAgent()
    let answer: Response | undefined
    let rounds = 0
    for (; rounds < 10 && (rounds === 0 || answer?.status === 303); rounds++) {
      answer = await goRound(portal, other.origin, browser)
    }
    expect(rounds).toBe(5)
    expect(await answer?.json()).toMatchObject({ code: 'login_loop', status: 500, detail: expect.stringMatching(text) })
    // Whoever tries again is not refused at once.
    expect((await goRound(portal, other.origin, browser)).status).toBe(303)
  })

  it('a person who logs in again and again by a link is not stopped', async () => {
    const portal = await startPortal({ session: { secret: newSecret() } }, AUTO)
    const browser = createUserAgent()
    for (let login = 0; login < 8; login++) {
      expect((await browser.request(await portal.callbackFor(browser))).status).toBe(303)
    }
  })
})
