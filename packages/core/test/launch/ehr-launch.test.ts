import { createUserAgent, type UserAgent } from '@fhir-auth/sandbox'
import { describe, expect, it } from 'vitest'
import { createSmartLaunch } from '../../src/index.ts'
import { startServer } from '../support/http-server.ts'
import { unexpectedMarkup, XSS_PAYLOADS } from '../support/page-markup.ts'
import { look, newSecret, type PortalWorld, type Seen, startPortal } from '../support/portal-world.ts'

const json = { headers: { accept: 'application/json' } }
const launchUrl = (portal: PortalWorld, parameters: Record<string, string> | string) =>
  `${portal.origin}/launch?${new URLSearchParams(parameters)}`
const problemOf = async (url: string) => (await fetch(url, json)).json()
const open = (portal: PortalWorld, browser: UserAgent, patient: string) =>
  browser.signIn(portal.sandbox.ehrLaunch({ launchUrl: `${portal.origin}/launch`, patient }))

describe('an EHR launch', () => {
  it('EHR-01 EHR-02 opens the app for the patient of the EHR, and names the launch in the address', async () => {
    const portal = await startPortal()
    const patient = portal.sandbox.patients[3]!.id
    const page = await open(portal, createUserAgent(), patient)
    const seen = (await page.json()) as Seen
    expect(seen.patient).toBe(patient)
    expect(new URL(page.url).searchParams.get('launch_id')).toBe(seen.launchId)
    const [authorization] = portal.sandbox.requestsTo('/authorize')
    expect(authorization?.query.get('aud')).toBe(portal.sandbox.fhirBaseUrl)
    expect(authorization?.query.get('scope')?.split(' ')).toContain('launch')
  })

  it.each([
    ['no parameter', {}],
    ['no iss', { launch: 'x' }],
    ['no launch', { iss: 'OWN' }],
    ['an empty iss', { iss: '', launch: 'x' }],
    ['an empty launch', { iss: 'OWN', launch: '' }],
    ['two of iss', 'iss=OWN&iss=OWN&launch=x'],
    ['two of launch', 'iss=OWN&launch=x&launch=x'],
  ])('EHR-01 with %s is refused, and nothing is sent', async (_, parameters) => {
    const portal = await startPortal()
    const text = String(new URLSearchParams(parameters)).replaceAll('OWN', portal.sandbox.fhirBaseUrl)
    expect(await problemOf(launchUrl(portal, text))).toMatchObject({ code: 'invalid_launch', status: 400 })
    expect(portal.outbound).toEqual([])
  })

  it.each(['a b', 'a+b/c=', '%2B%20', 'é✓', 'a&b=c#d?e', 'x'.repeat(1500)])(
    'EHR-02 echoes the launch handle as it came: %s',
    async (launch) => {
      const portal = await startPortal()
      const answer = await createUserAgent().request(launchUrl(portal, { iss: portal.sandbox.fhirBaseUrl, launch }))
      expect(new URL(answer.headers.get('location')!).searchParams.getAll('launch')).toEqual([launch])
    },
  )

  it('EHR-02 AUTHZ-02 sends as aud the iss that came, whichever slash the registration ends with', async () => {
    const portal = await startPortal()
    for (const iss of [portal.sandbox.fhirBaseUrl, `${portal.sandbox.fhirBaseUrl}/`]) {
      const answer = await createUserAgent().request(launchUrl(portal, { iss, launch: 'x' }))
      expect(new URL(answer.headers.get('location')!).searchParams.get('aud')).toBe(iss)
    }
  })

  it('EHR-03 SEC-08 from a server that is not registered is 403, and nothing is sent to it', async () => {
    const counterfeit = await startServer((_, response) => void response.end('{}'))
    const portal = await startPortal()
    const { fhirBaseUrl } = portal.sandbox
    for (const iss of [
      `${counterfeit.origin}/fhir`,
      'http://169.254.169.254/',
      'https://10.0.0.1/fhir',
      'file:///etc/passwd',
      'not a url',
      `${fhirBaseUrl}-evil`,
      `${fhirBaseUrl}//`,
      `${fhirBaseUrl}?x`,
      `${fhirBaseUrl}#`,
      fhirBaseUrl.replace('http://', 'http://user@'),
      fhirBaseUrl.toUpperCase(),
      fhirBaseUrl.replace('/fhir', '/FHIR'),
    ]) {
      expect(await problemOf(launchUrl(portal, { iss, launch: 'x' }))).toMatchObject({
        code: 'unknown_issuer',
        status: 403,
      })
      expect(await problemOf(`${portal.origin}/login?${new URLSearchParams({ iss })}`)).toMatchObject({ status: 403 })
    }
    expect(portal.outbound).toEqual([])
    expect(counterfeit.requests).toEqual([])
  })

  it.each(['HTTPS://EHR.example/fhir', 'https://ehr.example:443/fhir', 'https://EHR.EXAMPLE:443/fhir/'])(
    'EHR-02 takes the iss %s for the registered server (RFC 3986 §6.2.2.1, §6.2.3), and sends the registered spelling',
    async (iss) => {
      const known = { fhirBaseUrl: 'https://ehr.example/fhir', clientId: 'portal', scope: 'launch patient/*.rs' }
      const metadata = {
        authorization_endpoint: 'https://ehr.example/authorize',
        token_endpoint: 'https://ehr.example/token',
      }
      const common = {
        redirectUri: 'https://portal.example/callback',
        allowSharedRedirectUri: true,
        session: { secret: newSecret() },
      }
      const resolve = async (base: string) =>
        base.replace(/\/$/, '') === known.fhirBaseUrl ? { ...known, metadata } : undefined
      for (const source of [{ ...known, metadata }, { registrations: resolve }]) {
        const url = `/launch?${new URLSearchParams({ iss, launch: 'x' })}`
        const answer = await createSmartLaunch({ ...common, ...source }).answer({
          method: 'GET',
          url,
          header: () => undefined,
        })
        const location = answer.kind === 'redirect' ? new URL(answer.location) : undefined
        expect(location?.searchParams.get('aud')).toBe(`https://ehr.example/fhir${iss.endsWith('/') ? '/' : ''}`)
      }
    },
  )

  it('EHR-03 names the registration that is nearly the same', async () => {
    const portal = await startPortal()
    const iss = portal.sandbox.fhirBaseUrl.replace('/fhir', '/FHIR')
    const { detail } = (await problemOf(launchUrl(portal, { iss, launch: 'x' }))) as { detail: string }
    expect(detail).toContain(`nearly the same URL: ${portal.sandbox.fhirBaseUrl}`)
    const other = (await problemOf(launchUrl(portal, { iss: 'https://evil.example/fhir', launch: 'x' }))) as {
      detail: string
    }
    expect(other.detail).not.toContain('nearly')
  })

  it("EHR-03 EHR-08 asks the resolver for the registration of iss, and refuses another server's", async () => {
    const asked: string[] = []
    const known = { fhirBaseUrl: 'https://ehr.example/fhir', clientId: 'portal', scope: 'patient/*.rs' }
    const outbound: string[] = []
    const launch = createSmartLaunch({
      redirectUri: 'https://portal.example/callback',
      allowSharedRedirectUri: true,
      session: { secret: newSecret() },
      fetch: async (input) => {
        outbound.push(String(input))
        return new Response('', { status: 404 })
      },
      registrations: async (fhirBaseUrl) => {
        asked.push(fhirBaseUrl)
        return fhirBaseUrl.includes('unknown') ? undefined : known
      },
    })
    const answer = (iss: string) =>
      launch.answer({
        method: 'GET',
        url: `/launch?${new URLSearchParams({ iss, launch: 'x' })}`,
        header: () => undefined,
      })
    for (const iss of ['https://unknown.example/fhir', 'https://evil.example/fhir']) {
      expect(await answer(iss)).toMatchObject({ kind: 'problem', status: 403, error: { code: 'unknown_issuer' } })
    }
    expect(outbound).toEqual([])
    expect(await answer('https://ehr.example/fhir')).toMatchObject({ error: { code: 'discovery_failed' } })
    expect(outbound[0]).toBe('https://ehr.example/fhir/.well-known/smart-configuration')
    expect(asked).toHaveLength(3)
  })

  it('EHR-04 keeps its handle to itself: no answer, cookie or later request shows it', async () => {
    const portal = await startPortal()
    const browser = createUserAgent()
    const url = portal.sandbox.ehrLaunch({
      launchUrl: `${portal.origin}/launch`,
      patient: portal.sandbox.patients[0]!.id,
    })
    const handle = new URL(url).searchParams.get('launch')!
    const page = await browser.signIn(url)
    expect(page.status).toBe(200)
    const afterwards = browser.history.slice(2).map(({ url, location }) => `${url} ${location}`)
    expect(afterwards.filter((text) => text.includes(`${portal.origin}/`) && text.includes(handle))).toEqual([])
    expect(JSON.stringify(browser.cookies)).not.toContain(handle)
    expect(portal.outbound.join()).not.toContain(handle)
    expect(
      portal
        .tokenRequests()
        .map(({ body }) => body)
        .join(),
    ).not.toContain(handle)
  })

  it('EHR-06 while another one is pending: each comes to its own patient', async () => {
    const portal = await startPortal()
    const browser = createUserAgent()
    const [a, b] = portal.sandbox.patients.map(({ id }) => id)
    const urls = [a!, b!].map((patient) => portal.sandbox.ehrLaunch({ launchUrl: `${portal.origin}/launch`, patient }))
    const begun: string[] = []
    for (const url of urls) begun.push((await browser.request(url)).headers.get('location')!)
    // The second one begun is the first one done.
    const second = await browser.signIn(begun[1]!)
    const first = await browser.signIn(begun[0]!)
    expect((await look(browser, first.url)).seen?.patient).toBe(a)
    expect((await look(browser, second.url)).seen?.patient).toBe(b)
    const header = { 'fhir-launch-id': new URL(first.url).searchParams.get('launch_id')! }
    expect((await look(browser, `${portal.origin}/api`, header)).seen?.patient).toBe(a)
    expect((await look(browser, `${portal.origin}/api`)).seen).toBeNull()
    expect(portal.failures).toMatchObject([{ code: 'ambiguous_launch', status: 409 }])
  })

  it('EHR-06 repeated for the same patient takes the place of the one before', async () => {
    const portal = await startPortal()
    const browser = createUserAgent()
    const patient = portal.sandbox.patients[0]!.id
    const pages = [await open(portal, browser, patient), await open(portal, browser, patient)]
    expect((await look(browser, pages[0]!.url)).status).toBe(401)
    expect((await look(browser, pages[1]!.url)).seen?.patient).toBe(patient)
    expect((await look(browser, portal.origin)).seen?.patient).toBe(patient)
  })

  it("EHR-07 in the EHR's frame has cookies that a browser sends there", async () => {
    const launch = createSmartLaunch({
      fhirBaseUrl: 'https://ehr.example/fhir',
      clientId: 'portal',
      scope: 'patient/*.rs',
      redirectUri: 'https://portal.example/callback',
      metadata: {
        authorization_endpoint: 'https://auth.example/authorize',
        token_endpoint: 'https://auth.example/token',
      },
      session: { secret: newSecret(), sameSite: 'none' },
    })
    const url = `/launch?${new URLSearchParams({ iss: 'https://ehr.example/fhir', launch: 'x' })}`
    const { cookies, status } = await launch.answer({ method: 'GET', url, header: () => undefined })
    expect(status).toBe(303)
    expect(cookies).toEqual([
      expect.stringMatching(
        /^__Host-fhir-auth\.login\.[\w-]{43}=[\w.-]+; Path=\/; Max-Age=4200; HttpOnly; Secure; SameSite=None; Partitioned$/,
      ),
    ])
    expect(cookies[0]!.length).toBeLessThan(4096)
  })

  it.each(XSS_PAYLOADS)('SEC-02 never shows iss or launch as markup: %s', async (payload) => {
    const portal = await startPortal()
    for (const parameters of [
      { iss: payload, launch: 'x' },
      { iss: '', launch: payload },
    ]) {
      const page = await fetch(launchUrl(portal, parameters), { headers: { accept: 'text/html' } })
      expect(page.headers.get('content-type')).toContain('text/html')
      expect(unexpectedMarkup(await page.text())).toEqual([])
    }
  })
})
