import type { UserAgent } from '@fhir-auth/sandbox'
import { createUserAgent } from '@fhir-auth/sandbox'
import { describe, expect, it } from 'vitest'
import { createSmartLaunch, type SmartLaunchOptions } from '../../src/index.ts'
import type { OneLaunchOptions } from '../support/any-options.ts'
import { unexpectedMarkup, XSS_PAYLOADS } from '../support/page-markup.ts'
import { newSecret, type PortalWorld, type Seen, startPortal } from '../support/portal-world.ts'

const IN_FRAME = { 'sec-fetch-dest': 'iframe', accept: 'text/html' }
const launchOf = (portal: PortalWorld) =>
  portal.sandbox.ehrLaunch({ launchUrl: `${portal.origin}/launch`, patient: portal.sandbox.patients[1]!.id })
const linkIn = (page: string) => /<a href="([^"]+)"/.exec(page)![1]!.replaceAll('&amp;', '&')

/** The whole way of a launch in a frame whose browser keeps the app's cookies, or does not. */
async function openInFrame(portal: PortalWorld, url: string, browser: UserAgent, keepsCookies: boolean) {
  const headers: Record<string, string> = keepsCookies ? IN_FRAME : { ...IN_FRAME, cookie: '' }
  const first = await browser.request(url, { headers })
  const second = await browser.request(new URL(first.headers.get('location')!, portal.origin), { headers })
  return { first, second }
}

describe('a launch in a frame', () => {
  it('EHR-07 whose browser keeps cookies completes, after one turn', async () => {
    const portal = await startPortal()
    const browser = createUserAgent()
    const { first, second } = await openInFrame(portal, launchOf(portal), browser, true)
    expect(first.status).toBe(303)
    expect(first.headers.get('location')).toMatch(/^\/launch\?/)
    expect(second.headers.get('location')).toContain(`${portal.sandbox.issuer}/authorize?`)
    const page = await browser.signIn(second.headers.get('location')!)
    expect(((await page.json()) as Seen).patient).toBe(portal.sandbox.patients[1]!.id)
  })

  it('EHR-07 whose browser keeps none offers a new tab, in which the same launch completes', async () => {
    const portal = await startPortal()
    const { first, second } = await openInFrame(portal, launchOf(portal), createUserAgent(), false)
    expect(first.status).toBe(303)
    expect(second.status).toBe(200)
    const body = await second.text()
    expect(body).toContain('target="_blank"')
    expect(unexpectedMarkup(body.replace(' target="_blank" rel="noopener"', ''))).toEqual([])
    // The launch handle, which serves once, has not been shown to the server.
    expect(portal.sandbox.requestsTo('/authorize')).toEqual([])
    expect(portal.outbound).toEqual([])
    const tab = createUserAgent()
    const page = await tab.signIn(new URL(linkIn(body), portal.origin))
    expect(((await page.json()) as Seen).patient).toBe(portal.sandbox.patients[1]!.id)
    expect(portal.sandbox.requestsTo('/authorize')).toHaveLength(1)
  })

  it('EHR-07 that is opened once more when cookies are allowed starts from the beginning', async () => {
    const portal = await startPortal()
    const browser = createUserAgent()
    const { second } = await openInFrame(portal, launchOf(portal), browser, false)
    const again = await openInFrame(portal, new URL(linkIn(await second.text()), portal.origin).href, browser, true)
    expect(again.second.headers.get('location')).toContain(`${portal.sandbox.issuer}/authorize?`)
  })

  it('in a tab makes no turn', async () => {
    const portal = await startPortal()
    const answer = await createUserAgent().request(launchOf(portal))
    expect(answer.headers.get('location')).toContain('/authorize?')
  })

  it('EHR-03 is refused before any turn when its server is not registered', async () => {
    const portal = await startPortal()
    const url = `${portal.origin}/launch?iss=https%3A%2F%2Fevil.example&launch=x`
    const answer = await createUserAgent().request(url, { headers: IN_FRAME })
    expect(answer.status).toBe(403)
    expect(answer.headers.getSetCookie()).toEqual([])
  })
})

describe('the question whether a frame keeps cookies', () => {
  const launchIn = (session: Partial<SmartLaunchOptions['session']>, more: Partial<OneLaunchOptions> = {}) =>
    createSmartLaunch({
      fhirBaseUrl: 'https://ehr.example/fhir',
      clientId: 'portal',
      scope: 'patient/*.rs',
      redirectUri: 'https://portal.example/callback',
      metadata: {
        authorization_endpoint: 'https://auth.example/authorize',
        token_endpoint: 'https://auth.example/token',
      },
      session: { secret: newSecret(), ...session },
      ...more,
    })
  const request = (query: Record<string, string>, headers: Record<string, string> = {}) => ({
    method: 'GET',
    url: `/launch?${new URLSearchParams({ iss: 'https://ehr.example/fhir', launch: 'x', ...query })}`,
    header: (name: string) => ({ ...IN_FRAME, ...headers })[name],
  })

  it.each([
    ['none', 'SameSite=None; Partitioned'],
    ['lax', 'SameSite=Lax'],
  ] as const)('EHR-07 is a cookie of the same kind as the login’s, for a minute: %s', async (sameSite, attributes) => {
    const launch = launchIn({ sameSite })
    const turn = await launch.answer(request({}))
    expect(turn).toMatchObject({
      status: 303,
      location: '/launch?iss=https%3A%2F%2Fehr.example%2Ffhir&launch=x&cookie_check=1',
      headers: { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' },
      cookies: [`__Host-fhir-auth.frame=1; Path=/; Max-Age=60; HttpOnly; Secure; ${attributes}`],
    })
    const cookie = { cookie: 'other=1; __Host-fhir-auth.frame=1' }
    const onward = await launch.answer(request({ cookie_check: '1' }, cookie))
    expect(onward.kind === 'redirect' && onward.location).toContain('https://auth.example/authorize?')
    const without = await launch.answer(request({ cookie_check: '1' }, { cookie: 'other=1' }))
    expect(without).toMatchObject({ kind: 'page', status: 200 })
    expect(without.cookies).toEqual([`__Host-fhir-auth.frame=; Path=/; Max-Age=0; HttpOnly; Secure; ${attributes}`])
  })

  it('has the prefix in its addresses that a proxy strips before the app', async () => {
    const prefixed = { redirectUri: 'https://portal.example/ehr/callback', paths: { callback: '/callback' } }
    const launch = launchIn({ sameSite: 'none' }, prefixed)
    const turn = await launch.answer(request({}))
    expect(turn.kind === 'redirect' && turn.location).toMatch(/^\/ehr\/launch\?/)
    expect(linkIn((await launch.answer(request({ cookie_check: '1' }))).body)).toMatch(/^\/ehr\/launch\?/)
  })

  it('is asked in old frames as well, and never of a page, a script or an image', async () => {
    const launch = launchIn({})
    const placesOf = async (place: string) =>
      (await launch.answer(request({}, { 'sec-fetch-dest': place }))).cookies.join()
    for (const place of ['iframe', 'frame']) expect(await placesOf(place)).toContain('fhir-auth.frame')
    for (const place of ['document', 'empty', 'image']) expect(await placesOf(place)).not.toContain('fhir-auth.frame')
  })

  it.each(XSS_PAYLOADS)('SEC-02 shows nothing of the launch as markup: %s', async (payload) => {
    const launch = launchIn({})
    const { body } = await launch.answer(request({ cookie_check: '1', launch: payload, extra: payload }))
    expect(unexpectedMarkup(body.replace(' target="_blank" rel="noopener"', ''))).toEqual([])
    expect(new URL(linkIn(body), 'https://portal.example').searchParams.get('launch')).toBe(payload)
  })
})
