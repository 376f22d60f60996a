import { createUserAgent, type UserAgent } from '@fhir-auth/sandbox'
import { describe, expect, it } from 'vitest'
import { bothStores } from '../support/map-store.ts'
import { CLINICIAN, EXPIRED_SECONDS, look, type PortalWorld, startPortal } from '../support/portal-world.ts'

const WITHOUT_REFRESH = 'openid launch/patient patient/*.rs'
const launchIdOf = ({ url }: Response) => new URL(url).searchParams.get('launch_id')!

/** Opens the app from the EHR for two patients, in one browser. */
async function openTwo(portal: PortalWorld, browser: UserAgent) {
  const patients = portal.sandbox.patients.slice(0, 2).map(({ id }) => id)
  const pages: Response[] = []
  for (const patient of patients) {
    pages.push(await browser.signIn(portal.sandbox.ehrLaunch({ launchUrl: `${portal.origin}/launch`, patient })))
  }
  return pages as [Response, Response]
}

describe.each(bothStores)('a launch that has ended, with a store %s,', (_, store) => {
  it('EHR-06 RFR-07 by invalid_grant: its tab shows no patient, and the other tab continues', async () => {
    const portal = await startPortal({ session: { store: store() } })
    const browser = createUserAgent()
    const [first, second] = await openTwo(portal, browser)
    portal.sandbox.fault({ at: 'token', kind: 'status', status: 400, body: '{"error":"invalid_grant"}', times: 1 })
    portal.advanceSeconds(EXPIRED_SECONDS)
    expect((await look(browser, first.url)).seen).toBeNull()
    const patient = portal.sandbox.patients[1]!.id
    expect((await look(browser, second.url)).seen?.patient).toBe(patient)
    // Not even a request that names no launch gets the one that is left: it may come from the first tab.
    expect((await look(browser, portal.origin)).seen).toBeNull()
    expect(portal.failures).toMatchObject([{ code: 'ambiguous_launch' }])
    expect((await look(browser, `${portal.origin}/api`, { referer: first.url })).seen).toBeNull()
    expect((await look(browser, `${portal.origin}/api`, { referer: second.url })).seen?.patient).toBe(patient)
  })

  it('EHR-06 RFR-05 by its time, without a refresh token: its tab shows no patient', async () => {
    const portal = await startPortal({ session: { store: store() }, scope: WITHOUT_REFRESH })
    const browser = createUserAgent()
    const [first] = await openTwo(portal, browser)
    portal.advanceSeconds(EXPIRED_SECONDS)
    const [, again] = await openTwo(portal, browser)
    portal.advanceSeconds(1)
    expect((await look(browser, first.url)).seen).toBeNull()
    expect((await look(browser, again.url)).seen?.patient).toBe(portal.sandbox.patients[1]!.id)
  })

  it('EHR-06 is kept as a name when the browser logs in at another patient', async () => {
    const portal = await startPortal({ session: { store: store() }, scope: WITHOUT_REFRESH })
    const browser = createUserAgent()
    const [first] = await openTwo(portal, browser)
    portal.advanceSeconds(EXPIRED_SECONDS)
    const patient = portal.sandbox.patients[2]!.id
    const third = await browser.signIn(portal.sandbox.ehrLaunch({ launchUrl: `${portal.origin}/launch`, patient }))
    expect((await look(browser, third.url)).seen?.patient).toBe(patient)
    expect((await look(browser, first.url)).seen).toBeNull()
    // Nobody knows which tab this is.
    expect((await look(browser, portal.origin)).seen).toBeNull()
    expect(portal.failures).toMatchObject([{ code: 'ambiguous_launch' }])
  })

  it('gives way to a new login at the same patient', async () => {
    const portal = await startPortal({ session: { store: store() } })
    const browser = createUserAgent()
    const patient = portal.sandbox.patients[0]!.id
    await browser.signIn(`${portal.origin}/login`, { user: CLINICIAN, patient })
    portal.sandbox.revokeAll()
    portal.advanceSeconds(EXPIRED_SECONDS)
    expect((await look(browser, portal.origin)).status).toBe(401)
    const page = await browser.signIn(`${portal.origin}/login`, { user: CLINICIAN, patient })
    expect(page.status).toBe(200)
    expect((await look(browser, portal.origin)).seen?.patient).toBe(patient)
  })

  it('EHR-06 is never another one, also when it was so long ago that its name is forgotten', async () => {
    const portal = await startPortal({ session: { store: store() } })
    const browser = createUserAgent()
    const launchUrl = `${portal.origin}/launch`
    const { patients } = portal.sandbox
    const pages: Response[] = []
    // Ten launches are kept: of each patient, one for every encounter.
    for (let index = 0; index < 12; index++) {
      const patient = patients[index % patients.length]!.id
      pages.push(await browser.signIn(portal.sandbox.ehrLaunch({ launchUrl, patient, encounter: `e${index}` })))
    }
    const looks = await Promise.all(pages.map(({ url }) => look(browser, url)))
    const seen = looks.map(({ seen }) => seen && [seen.patient, seen.launchId])
    const expected = pages.map((page, index) => [patients[index % patients.length]!.id, launchIdOf(page)])
    expect(seen).toEqual([null, null, ...expected.slice(2)])
  })
})
