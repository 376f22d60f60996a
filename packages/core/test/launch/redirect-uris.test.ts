import { createUserAgent, type Sandbox } from '@fhir-auth/sandbox'
import { describe, expect, it } from 'vitest'
import {
  clientSecretBasic,
  createSmartLaunch,
  type FhirAuthEvent,
  type Problem,
  publicClient,
  type Registration,
  type SmartLaunchOptions,
} from '../../src/index.ts'
import { startCoreApp } from '../support/core-app.ts'
import { failureOf } from '../support/failure-of.ts'
import { newSecret } from '../support/portal-world.ts'
import { startSandbox } from '../support/registered-client.ts'

const APP = 'https://portal.example'
const registration = (name: string, redirectUri?: string): Registration => ({
  fhirBaseUrl: `https://${name}.example/fhir`,
  clientId: 'portal',
  clientAuth: clientSecretBasic(newSecret()),
  ...(redirectUri !== undefined && { redirectUri }),
})
const asPublic = (given: Registration): Registration => ({ ...given, clientAuth: publicClient() })
/** With one registration in place or many: what fits together is up to each test. */
const create = (options: Partial<SmartLaunchOptions>) =>
  createSmartLaunch({
    scope: 'launch/patient patient/*.rs',
    session: { secret: newSecret() },
    ...options,
  } as SmartLaunchOptions)

/** A portal at two servers: the path and query of the redirect URI that each was given. */
async function startAtTwo(redirects: readonly [string, string]) {
  const servers = await Promise.all([startSandbox({ consent: 'auto' }), startSandbox({ consent: 'auto' })])
  const { origin } = await startCoreApp(
    (appOrigin) => {
      const registrations = servers.map((sandbox, index) => {
        const redirectUri = appOrigin + redirects[index]
        const clientSecret = newSecret()
        sandbox.registerClient({ clientId: 'portal', clientSecret, redirectUris: [redirectUri] })
        const clientAuth = clientSecretBasic(clientSecret)
        return { fhirBaseUrl: sandbox.fhirBaseUrl, clientId: 'portal', clientAuth, redirectUri }
      })
      return create({ registrations, paths: { login: '/login' } })
    },
    () => 'the app',
  )
  const browser = createUserAgent()
  return {
    browser,
    servers,
    async callbackOf({ fhirBaseUrl }: Sandbox): Promise<URL> {
      const login = `${origin}/login?${new URLSearchParams({ iss: fhirBaseUrl })}`
      const { headers } = await browser.signIn(login, { stopBefore: `${origin}/callback` })
      return new URL(headers.get('location') ?? '')
    },
  }
}

const exchangesOf = (servers: readonly Sandbox[]) => servers.map(({ requestsTo }) => requestsTo('/token').length)
const json = { headers: { accept: 'application/json' } }

describe('registrations with a redirect URI each', () => {
  it.each([
    ['paths', ['/callback/a', '/callback/b']],
    ['queries', ['/callback?server=a', '/callback?server=b']],
    ['a query for one of them', ['/callback', '/callback?server=b']],
  ] as const)('CB-02 RFC 9700 §4.4.2.2: a callback counts only at the one of its login: %s', async (_, redirects) => {
    const { browser, servers, callbackOf } = await startAtTwo(redirects)
    for (const [index, server] of servers.entries()) {
      const callback = await callbackOf(server)
      const [path = '', query = ''] = (redirects[1 - index] ?? '').split('?')
      const foreign = new URL(callback)
      foreign.pathname = path
      foreign.searchParams.delete('server')
      for (const [name, value] of new URLSearchParams(query)) foreign.searchParams.set(name, value)
      const before = exchangesOf(servers)
      const refused = await browser.request(foreign, json)
      expect((await refused.json()) as Problem).toMatchObject({ status: 400, code: 'redirect_uri_mismatch' })
      expect(exchangesOf(servers)).toEqual(before)
      // That was not its answer, so the login goes on.
      expect(refused.headers.getSetCookie()).toEqual([])
      expect((await browser.request(callback)).status).toBe(303)
      expect(server.requestsTo('/token').at(-1)?.form.get('redirect_uri')).toContain(redirects[index])
    }
  })

  it('CB-02 RFC 9700 §4.4.2.2: the parameter of a redirect URI counts once, and to the letter', async () => {
    const { browser, servers, callbackOf } = await startAtTwo(['/callback?server=a', '/callback?server=b'])
    const callback = await callbackOf(servers[0]!)
    for (const change of [
      (query: URLSearchParams) => query.append('server', 'a'),
      (query: URLSearchParams) => query.append('server', 'b'),
      (query: URLSearchParams) => query.set('server', 'A'),
      (query: URLSearchParams) => query.delete('server'),
    ]) {
      const changed = new URL(callback)
      change(changed.searchParams)
      expect((await (await browser.request(changed, json)).json()) as Problem).toMatchObject({
        code: 'redirect_uri_mismatch',
      })
    }
    expect(exchangesOf(servers)).toEqual([0, 0])
  })

  it('have their callbacks answered, each below what a proxy strips', () => {
    const registrations = [registration('a', `${APP}/ehr/callback/a`), registration('b', `${APP}/ehr/callback/b`)]
    expect(create({ registrations }).paths).toEqual([
      ...['/ehr/callback/a', '/ehr/callback/b', '/ehr/callback/launch', '/ehr/callback/login', '/ehr/callback/logout'],
    ])
    const stripped = create({ registrations, paths: { callback: '/callback/a', login: '/login' } })
    expect(stripped.handles('/callback/b?code=1')).toBe(true)
    expect(stripped.handles('/callback/c')).toBe(false)
  })

  it.each([
    [
      'of another origin',
      [registration('a', `${APP}/a`), registration('b', 'https://other.example/b')],
      'the same origin',
    ],
    ['with a parameter of the answer', [registration('a', `${APP}/a?state=1`)], 'must not have the parameter "state"'],
  ])('are refused %s', async (_, registrations, fault) => {
    const error = await failureOf(() => create({ registrations }))
    expect([error.code, error.message]).toEqual(['invalid_option', expect.stringContaining(fault)])
  })

  it('are refused where one lacks the prefix that a proxy strips', async () => {
    const registrations = [registration('a', `${APP}/ehr/a`), registration('b', `${APP}/b`)]
    const error = await failureOf(() => create({ registrations, paths: { callback: '/a' } }))
    expect(error.message).toContain('strips /ehr, but the redirectUri with the path /b does not begin with that')
  })
})

describe('a redirect URI that several registrations share', () => {
  const redirectUri = `${APP}/callback`

  it('CB-02 RFC 9700 §4.4: is refused for public clients, unless accepted by name', async () => {
    const registrations = [registration('a'), asPublic(registration('b'))]
    const error = await failureOf(() => create({ registrations, redirectUri }))
    expect(error.code).toBe('invalid_option')
    expect(error.message).toContain(redirectUri)
    expect(error.message).toContain('https://b.example/fhir is public')
    expect(error.message).toContain('allowSharedRedirectUri')
    const events: FhirAuthEvent[] = []
    create({ registrations, redirectUri, allowSharedRedirectUri: true, onEvent: (event) => events.push(event) })
    expect(events).toEqual([])
    // One of its own is enough.
    create({ registrations: [registration('a'), asPublic(registration('b', `${redirectUri}?server=b`))], redirectUri })
  })

  it('CB-02 RFC 9700 §4.4: is told by an event for clients with a secret', () => {
    const events: FhirAuthEvent[] = []
    create({
      registrations: ['a', 'b'].map((name) => registration(name)),
      redirectUri,
      onEvent: (event) => events.push(event),
    })
    const fhirBaseUrls = ['https://a.example/fhir', 'https://b.example/fhir']
    expect(events).toEqual([{ type: 'redirect_uri_shared', redirectUri, fhirBaseUrls }])
  })

  it.each([
    ['a public client with the shared one', asPublic(registration('a')), 'allowSharedRedirectUri'],
    ['one of another path', registration('a', `${APP}/other`), 'only in the values of its parameters'],
    ['one with a parameter more', registration('a', `${redirectUri}?a=1`), 'only in the values of its parameters'],
  ])('CB-02 is refused where a function gives the registrations: %s', async (_, given, fault) => {
    const launch = create({ registrations: async () => given, redirectUri })
    const url = `/login?${new URLSearchParams({ iss: given.fhirBaseUrl })}`
    const answer = await launch.answer({ method: 'GET', url, header: () => undefined })
    if (answer.kind !== 'problem') throw new Error(answer.kind)
    expect([answer.error.code, answer.error.message]).toEqual(['invalid_option', expect.stringContaining(fault)])
  })
})
