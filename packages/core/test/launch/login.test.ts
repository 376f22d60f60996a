import { createUserAgent } from '@fhir-auth/sandbox'
import { describe, expect, it } from 'vitest'
import { clientSecretBasic, createSmartLaunch, smart } from '../../src/index.ts'
import { startServer } from '../support/http-server.ts'
import { createMapStore } from '../support/map-store.ts'
import { unexpectedMarkup, XSS_PAYLOADS } from '../support/page-markup.ts'
import { CLINICIAN, loggedIn, look, newSecret, type Seen, startPortal } from '../support/portal-world.ts'
import { startSandbox } from '../support/registered-client.ts'

const html = { headers: { accept: 'text/html' } }

describe('a standalone login', () => {
  it('AUTHZ-01 AUTHZ-02 AUTHZ-03 STATE-01 reaches the patient who was picked', async () => {
    const portal = await startPortal()
    const browser = createUserAgent()
    const patient = portal.sandbox.patients[2]!.id
    const page = await browser.signIn(`${portal.origin}/login`, { user: CLINICIAN, patient })
    expect(page.status).toBe(200)
    expect(((await page.json()) as Seen).patient).toBe(patient)
    const [authorization] = portal.sandbox.requestsTo('/authorize')
    expect(Object.fromEntries(authorization!.query)).toMatchObject({
      response_type: 'code',
      redirect_uri: `${portal.origin}/callback`,
      aud: portal.sandbox.fhirBaseUrl,
      code_challenge_method: 'S256',
    })
    expect(portal.failures).toEqual([])
  })

  it('PKCE-04 PKCE-05 sends the verifier of its challenge, beside the client secret', async () => {
    const portal = await startPortal()
    await loggedIn(portal)
    const [exchange] = portal.tokenRequests()
    expect(exchange?.form.get('code_verifier')).toMatch(/^[\w-]{43}$/)
    expect(exchange?.headers.authorization).toMatch(/^Basic /)
    expect(exchange?.status).toBe(200)
  })

  it('PKCE-04 sends no verifier where the dialect sends no challenge', async () => {
    const portal = await startPortal({ dialect: smart({ authorization: { pkce: 'off' } }) })
    // The sandbox insists on PKCE, so that its callback has to be made up.
    const browser = createUserAgent()
    const login = await browser.request(`${portal.origin}/login`)
    const state = new URL(login.headers.get('location')!).searchParams.get('state')
    const iss = portal.sandbox.issuer
    await browser.request(`${portal.origin}/callback?${new URLSearchParams({ code: 'made-up', state: state!, iss })}`)
    expect([...portal.tokenRequests()[0]!.form.keys()].sort()).toEqual(['code', 'grant_type', 'redirect_uri'])
  })

  it('EHR-06 STATE-02 in two tabs at once: each comes back to its own patient', async () => {
    const portal = await startPortal()
    const browser = createUserAgent()
    const patients = portal.sandbox.patients.slice(0, 3).map(({ id }) => id)
    const pages = await Promise.all(
      patients.map((patient) => browser.signIn(`${portal.origin}/login`, { user: CLINICIAN, patient })),
    )
    // Whoever was overtaken by another tab's session is nobody; nobody ever sees another tab's patient.
    for (const [index, page] of pages.entries()) {
      const seen = (await page.json()) as Seen | null
      if (page.status === 200) expect(seen?.patient).toBe(patients[index])
      else expect(seen).toBeNull()
    }
    expect(pages.some(({ status }) => status === 200)).toBe(true)
  })

  it('EHR-06 begun in two tabs and ended one after the other: both stay, each by its name', async () => {
    const portal = await startPortal()
    const browser = createUserAgent()
    const begin = async () => (await browser.request(`${portal.origin}/login`)).headers.get('location')!
    const [first, second] = [await begin(), await begin()]
    const patients = portal.sandbox.patients.slice(0, 2).map(({ id }) => id)
    const pages = [
      await browser.signIn(first, { user: CLINICIAN, patient: patients[0] }),
      await browser.signIn(second, { user: CLINICIAN, patient: patients[1] }),
    ]
    for (const [index, { url }] of pages.entries()) {
      expect(new URL(url).searchParams.get('launch_id')).toMatch(/^[\w-]{22}$/)
      expect((await look(browser, url)).seen?.patient).toBe(patients[index])
      expect((await look(browser, `${portal.origin}/api`, { referer: url })).seen?.patient).toBe(patients[index])
    }
    expect((await look(browser, `${portal.origin}/api`)).seen).toBeNull()
    expect(portal.failures).toMatchObject([{ code: 'ambiguous_launch' }])
  })

  it.each([
    ['in memory', () => undefined],
    ['shared', createMapStore],
  ])('SEC-04 keeps the launches that were open before, under the new session id, with a store %s', async (_, store) => {
    const portal = await startPortal({ session: { store: store() } })
    const patients = portal.sandbox.patients.slice(0, 2).map(({ id }) => id)
    const browser = await loggedIn(portal, patients[0])
    const { seen } = await look(browser, `${portal.origin}/read`)
    await browser.signIn(`${portal.origin}/login`, { user: CLINICIAN, patient: patients[1] })
    const again = await look(browser, `${portal.origin}/read?launch_id=${seen!.launchId}`)
    expect(again.seen).toEqual({ ...seen, patient: patients[0], read: 200 })
  })

  it('STATE-04 may take ten minutes, and is expired after that', async () => {
    const portal = await startPortal({}, { consent: 'auto' })
    const browser = createUserAgent()
    const [slow, tooSlow] = [await portal.callbackFor(browser), await portal.callbackFor(browser)]
    portal.advanceSeconds(599)
    expect((await browser.request(slow)).status).toBe(303)
    portal.advanceSeconds(2)
    const refused = await browser.request(tooSlow, { headers: { accept: 'application/json' } })
    expect(await refused.json()).toMatchObject({ status: 400, code: 'transaction_expired' })
    expect(portal.tokenRequests()).toHaveLength(1)
  })

  it('keeps few logins of one browser under way: the oldest go', async () => {
    const portal = await startPortal()
    const browser = createUserAgent()
    for (let i = 0; i < 12; i++) await browser.request(`${portal.origin}/login`)
    const cookies = browser.cookies.filter(({ name }) => name.startsWith('fhir-auth.login.'))
    expect(cookies).toHaveLength(6)
    // What a browser sends at once must fit into the 8 KiB of a usual proxy.
    expect(cookies.map(({ name, value }) => `${name}=${value}`).join('; ').length).toBeLessThan(8000)
  })

  it.each(['//evil.example', 'https://evil.example', '/..//evil.example'])(
    'CB-07 comes back to the app, not to %s',
    async (returnTo) => {
      const portal = await startPortal({ paths: { home: '/home' } }, { consent: 'auto' })
      const browser = createUserAgent()
      const url = `${portal.origin}/login?${new URLSearchParams({ returnTo })}`
      const answer = await browser.request(await portal.callbackFor(browser, url))
      expect(answer.headers.get('location')).toBe('/home')
    },
  )

  it('CB-07 comes back to the page that asked for it', async () => {
    const portal = await startPortal({}, { consent: 'auto' })
    const browser = createUserAgent()
    const url = `${portal.origin}/login?${new URLSearchParams({ returnTo: '/chart?x=1#part' })}`
    const answer = await browser.request(await portal.callbackFor(browser, url))
    expect(answer.headers.get('location')).toBe('/chart?x=1#part')
  })

  it('EHR-06 comes back by the name of the new launch where the page had the name of one that has ended', async () => {
    const portal = await startPortal({}, { consent: 'auto' })
    const browser = createUserAgent()
    const returnTo = '/chart?launch_id=one-that-has-ended'
    expect((await look(browser, portal.origin + returnTo)).status).toBe(401)
    const page = await browser.signIn(`${portal.origin}/login?${new URLSearchParams({ returnTo })}`)
    expect(page.status).toBe(200)
    expect(new URL(page.url).searchParams.get('launch_id')).toBe(((await page.json()) as Seen).launchId)
  })

  it('AUTHZ-06 goes by form where the dialect says so, and completes', async () => {
    const portal = await startPortal({ dialect: smart({ authorization: { method: 'POST' } }) }, { consent: 'auto' })
    const browser = createUserAgent()
    const page = await browser.request(`${portal.origin}/login`)
    expect(page.status).toBe(200)
    const form = await page.text()
    expect(form).toContain(`action="${portal.sandbox.issuer}/authorize"`)
    const fields = [...form.matchAll(/name="([^"]+)" value="([^"]*)"/g)].map(
      ([, name = '', value = '']): [string, string] => [name, value],
    )
    const body = new URLSearchParams(fields)
    const authorization = await fetch(`${portal.sandbox.issuer}/authorize`, {
      method: 'POST',
      body,
      redirect: 'manual',
    })
    const callback = await browser.request(authorization.headers.get('location')!)
    expect(callback.status).toBe(303)
  })

  it('SEC-01 does not go to an authorization server without TLS', async () => {
    const portal = await startPortal()
    portal.sandbox.fault({ at: 'metadata', kind: 'status', status: 404 })
    for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri']) {
      portal.sandbox.fault({
        at: 'smart-configuration',
        times: 1,
        kind: 'json',
        patch: (body) => ({ ...body, [name]: 'http://auth.example/endpoint' }),
      })
      const second = createSmartLaunch({ ...portal.options, metadata: {} })
      const answer = await second.answer({ method: 'GET', url: '/login', header: () => undefined })
      expect(answer.kind).toBe('problem')
    }
    expect(portal.outbound.filter((url) => url.includes('auth.example'))).toEqual([])
  })

  it('takes GET alone', async () => {
    const portal = await startPortal()
    for (const path of ['/login', '/launch', '/callback']) {
      expect((await fetch(portal.origin + path, { method: 'POST' })).status).toBe(405)
    }
  })
})

describe('an app at two servers', () => {
  async function startAtTwo() {
    const [first, second] = await Promise.all([startSandbox({ consent: 'auto' }), startSandbox({ consent: 'auto' })])
    const secrets = [newSecret(), newSecret()]
    const servers = [first, second]
    const portal = await startPortal({
      registrations: servers.map((sandbox, index) => ({
        fhirBaseUrl: sandbox.fhirBaseUrl,
        clientId: `portal-${index}`,
        clientAuth: clientSecretBasic(secrets[index]),
      })),
    })
    for (const [index, sandbox] of servers.entries()) {
      const redirectUris = [`${portal.origin}/callback`]
      sandbox.registerClient({ clientId: `portal-${index}`, clientSecret: secrets[index], redirectUris })
    }
    return { portal, servers }
  }

  it('EHR-08 SEC-05 uses the registration of the server that was chosen', async () => {
    const { portal, servers } = await startAtTwo()
    for (const [index, { fhirBaseUrl, issuer, requestsTo }] of servers.entries()) {
      const browser = createUserAgent()
      const page = await browser.signIn(`${portal.origin}/login?${new URLSearchParams({ iss: fhirBaseUrl })}`)
      expect(page.status).toBe(200)
      expect(requestsTo('/authorize').map(({ query }) => query.get('client_id'))).toEqual([`portal-${index}`])
      expect(requestsTo('/token').map(({ status }) => status)).toEqual([200])
      expect(portal.outbound.filter((url) => url === `${issuer}/token`)).toHaveLength(1)
    }
  })

  it('SEC-05 CB-02 refuses at one login the answer of the other server, and sends its code nowhere', async () => {
    const { portal, servers } = await startAtTwo()
    const [honest, evil] = servers
    const browser = createUserAgent()
    const to = (fhirBaseUrl: string) => `${portal.origin}/login?${new URLSearchParams({ iss: fhirBaseUrl })}`
    const callback = await portal.callbackFor(browser, to(honest!.fhirBaseUrl))
    callback.searchParams.set('iss', evil!.issuer)
    const answer = await browser.request(callback, { headers: { accept: 'application/json' } })
    expect(await answer.json()).toMatchObject({ code: 'issuer_mismatch' })
    expect(servers.flatMap(({ requestsTo }) => requestsTo('/token'))).toEqual([])
  })

  it('asks a person which one, by escaped links', async () => {
    const { portal, servers } = await startAtTwo()
    for (const payload of XSS_PAYLOADS) {
      const page = await fetch(`${portal.origin}/login?${new URLSearchParams({ returnTo: `/${payload}` })}`, html)
      const body = await page.text()
      for (const { fhirBaseUrl } of servers) expect(body).toContain(encodeURIComponent(fhirBaseUrl))
      expect(unexpectedMarkup(body)).toEqual([])
    }
  })

  it('SEC-07 keeps concurrent requests of different people apart', async () => {
    const portal = await startPortal()
    const patients = portal.sandbox.patients.slice(0, 2).map(({ id }) => id)
    const browsers = await Promise.all(patients.map((patient) => loggedIn(portal, patient)))
    const looks = Array.from({ length: 60 }, async (_, index) => {
      const { seen } = await look(browsers[index % 2]!, `${portal.origin}/${index}`)
      return seen?.patient
    })
    expect(await Promise.all(looks)).toEqual(Array.from({ length: 60 }, (_, index) => patients[index % 2]))
  })
})

describe('what an authorization server sends besides', () => {
  it('SEC-08 is never fetched: style, person, error page', async () => {
    const other = await startServer((_, response) => void response.end())
    const portal = await startPortal({}, { consent: 'auto' })
    const { sandbox } = portal
    sandbox.fault({
      at: 'token',
      kind: 'json',
      patch: (body) => ({ ...body, smart_style_url: `${other.origin}/style`, error_uri: `${other.origin}/error` }),
    })
    const browser = createUserAgent()
    const page = await browser.visit(await portal.callbackFor(browser))
    expect(page.status).toBe(200)
    expect(other.requests).toEqual([])
    expect(portal.outbound.every((url) => url.startsWith(sandbox.origin.auth))).toBe(true)
  })
})
