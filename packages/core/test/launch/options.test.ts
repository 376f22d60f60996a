import { describe, expect, it } from 'vitest'
import {
  createSmartLaunch,
  memoryStore,
  publicClient,
  type Registration,
  type SmartLaunchOptions,
} from '../../src/index.ts'
import type { OneLaunchOptions } from '../support/any-options.ts'
import { failureOf } from '../support/failure-of.ts'
import { createMapStore } from '../support/map-store.ts'
import { newSecret } from '../support/portal-world.ts'

const valid = (): OneLaunchOptions => ({
  fhirBaseUrl: 'https://ehr.example/fhir',
  clientId: 'portal',
  redirectUri: 'https://portal.example/ehr/callback',
  scope: 'launch/patient patient/*.rs',
  session: { secret: newSecret() },
})
const server = (fhirBaseUrl: string) => ({ fhirBaseUrl, clientId: 'portal', clientAuth: publicClient() })
const session = (options: object) => ({ session: { secret: newSecret(), ...options } })
/** Options as JavaScript may give them. */
const refusal = (options: object) =>
  failureOf(() => createSmartLaunch({ ...valid(), ...options } as SmartLaunchOptions))

describe('the session secret', () => {
  it.each([
    ['missing', undefined],
    ['null', null],
    ['a number', 12],
    ['empty', ''],
    ['short', 'x7Kq0'.repeat(6)],
    ['monotonous', 'a'.repeat(64)],
    ['of few characters', 'abcdefg'.repeat(10)],
    ['an empty list', []],
    ['a list with a hole', [newSecret(), undefined]],
    ['a list with a weak one', [newSecret(), 'secret']],
  ])('RFR-09 is refused when it is %s, with what to do', async (_, secret) => {
    const error = await refusal({ session: { secret } })
    expect(error).toMatchObject({ code: 'invalid_option' })
    expect(error.message).toContain('session.secret')
    expect(error.message).toContain('openssl rand -base64 32')
    if (typeof secret === 'string' && secret) expect(error.message).not.toContain(secret)
  })

  it('is refused when there is no session option at all', async () => {
    expect((await refusal({ session: undefined })).message).toContain('session.secret is not set')
  })
})

describe('the options of a launch', () => {
  it('are taken as they should be, and left as they were', () => {
    const options = Object.freeze({ ...valid(), session: Object.freeze(valid().session) })
    const before = JSON.stringify(options)
    createSmartLaunch(options)
    expect(JSON.stringify(options)).toBe(before)
  })

  it.each([
    [{ clientID: 'x' }, 'Did you mean "clientId"?'],
    [{ redirectUrl: 'x' }, 'Did you mean "redirectUri"?'],
    [{ scopes: 'x' }, 'Did you mean "scope"?'],
    [{ sessions: {} }, 'Did you mean "session"?'],
    [{ timeout: 5 }, 'Did you mean "timeoutSeconds"?'],
    [{ afterLogout: '/bye' }, 'Known options: fhirBaseUrl'],
    [session({ idle: 5 }), 'Did you mean "idleSeconds"?'],
    [{ paths: { afterLogin: '/x' } }, 'Known options: launch, login, callback, logout, home, loggedOut'],
    [{ somethingElse: 1 }, 'Known options: fhirBaseUrl'],
    [session({ samesite: 'lax' }), 'Did you mean "sameSite"?'],
    [session({ lifetime: 5 }), 'Did you mean "lifetimeSeconds"?'],
    [{ paths: { signin: '/x' } }, 'Known options: launch, login, callback, logout'],
    [{ paths: { log_out: '/x' } }, 'Did you mean "logout"?'],
  ])('AUTHZ-03 are refused when misspelt, naming the right one: %j', async (options, remedy) => {
    const error = await refusal(options)
    expect(error).toMatchObject({ code: 'invalid_option' })
    expect(error.message).toContain(remedy)
  })

  it.each([
    ['fhirBaseUrl', { fhirBaseUrl: undefined }],
    ['fhirBaseUrl', { fhirBaseUrl: 'http://ehr.example/fhir' }],
    ['fhirBaseUrl', { fhirBaseUrl: 'ehr.example/fhir' }],
    ['fhirBaseUrl', { fhirBaseUrl: 'https://ehr.example/fhir?x=1' }],
    ['fhirBaseUrl', { fhirBaseUrl: 'https://user:word@ehr.example/fhir' }],
    ['clientId', { clientId: undefined }],
    ['clientId', { clientId: ' ' }],
    ['clientAuth', { clientAuth: 'a secret' }],
    ['dialect', { dialect: 'intelichart' }],
    ['scope', { scope: undefined }],
    ['redirectUri', { redirectUri: undefined }],
    ['redirectUri', { redirectUri: '/callback' }],
    ['redirectUri', { redirectUri: 'http://portal.example/callback' }],
    ['redirectUri', { redirectUri: 'https://portal.example/callback#x' }],
    ['metadata.token_endpoint', { metadata: { token_endpoint: 'http://auth.example/token' } }],
    ['session.sameSite', session({ sameSite: 'strict' })],
    ['session.cookieName', session({ cookieName: 'a;b' })],
    ['session.cookieName', session({ cookieName: '__Host-x' })],
    ['session.lifetimeSeconds', session({ lifetimeSeconds: 0 })],
    ['session.lifetimeSeconds', session({ lifetimeSeconds: '60' })],
    ['session.idleSeconds', session({ idleSeconds: 0 })],
    ['session.storeTimeoutSeconds', session({ storeTimeoutSeconds: -1 })],
    ['swap', session({ store: { get() {}, set() {}, delete() {} } })],
    ['delete', session({ store: { get() {}, set() {}, swap() {} } })],
    ['session.store', session({ store: null })],
    ['loginTimeoutSeconds', { loginTimeoutSeconds: -1 }],
    ['timeoutSeconds', { timeoutSeconds: Number.NaN }],
    ['afterLogin', { afterLogin: '/home' }],
    ['afterRefresh', { afterRefresh: true }],
    ['onEvent', { onEvent: {} }],
    ['paths.home', { paths: { home: 'https://evil.example' } }],
    ['paths.home', { paths: { home: '//evil.example' } }],
    ['paths.loggedOut', { paths: { loggedOut: 'bye' } }],
    ['paths.login', { paths: { login: 'login' } }],
    ['paths.callback', { paths: { callback: '/other' } }],
    ['paths', { paths: { login: '/ehr/callback' } }],
    ['registrations', { fhirBaseUrl: undefined, clientId: undefined, registrations: [] }],
    ['fhirBaseUrl', { clientId: undefined, registrations: [server('https://a.example')] }],
  ])('SEC-01 are refused by name when they make no sense: %s', async (name, options) => {
    const error = await refusal(options)
    expect(['invalid_option', 'insecure_url']).toContain(error.code)
    expect(error.message).toContain(name)
  })

  it('AUTHZ-09 have no default scope: an app asks for what it wrote, or does not start', async () => {
    expect((await refusal({ scope: '' })).message).toContain('scope is empty')
  })

  it("EHR-07 allow sameSite 'none' for https only, since browsers refuse it otherwise", async () => {
    const error = await refusal({ redirectUri: 'http://localhost:3000/callback', ...session({ sameSite: 'none' }) })
    expect(error.message).toContain('https redirectUri')
  })

  it('SEC-05 refuse two registrations of one server, and callbacks of different origins', async () => {
    const none = { fhirBaseUrl: undefined, clientId: undefined }
    const same = [server('https://a.example/fhir'), server('https://a.example/fhir/')]
    expect((await refusal({ ...none, registrations: same })).message).toContain('same fhirBaseUrl')
    const other = { ...server('https://b.example'), redirectUri: 'https://other.example/ehr/callback' }
    expect((await refusal({ ...none, registrations: [server('https://a.example'), other] })).message).toContain(
      'every redirectUri',
    )
  })

  it.each([
    ['of another origin', { redirectUri: 'https://other.example/ehr/callback' }, 'every redirectUri'],
    ['without https', { redirectUri: 'http://portal.example/ehr/callback' }, 'redirectUri'],
    ['with a misspelt option', { clientSecret: 'x' }, 'unknown option "clientSecret"'],
    ['without a client id', { clientId: undefined }, 'clientId'],
    ['with no client authentication', { clientAuth: 'basic' }, 'clientAuth'],
    ['with an insecure endpoint', { metadata: { token_endpoint: 'http://a.example/token' } }, 'token_endpoint'],
  ])('SEC-05 check a registration that a resolver gives like a listed one: %s', async (_, members, fault) => {
    const registration = { ...server('https://a.example/fhir'), ...members } as Registration
    const none = { fhirBaseUrl: undefined, clientId: undefined }
    expect((await refusal({ ...none, registrations: [registration] })).message).toContain(fault)
    const launch = createSmartLaunch({
      ...valid(),
      ...none,
      registrations: async () => registration,
    } as unknown as SmartLaunchOptions)
    const url = `/ehr/login?${new URLSearchParams({ iss: 'https://a.example/fhir' })}`
    const answer = await launch.answer({ method: 'GET', url, header: () => undefined })
    expect([answer.status, answer.kind === 'problem' && answer.error.code]).toEqual([
      500,
      expect.stringMatching(/^(invalid_option|insecure_url)$/),
    ])
    expect(answer.body).toContain(JSON.stringify(fault).slice(1, -1))
  })

  it('accept a memory store and a shared one', () => {
    createSmartLaunch({ ...valid(), session: { secret: newSecret(), store: memoryStore() } })
    createSmartLaunch({ ...valid(), session: { secret: [newSecret(), newSecret()], store: createMapStore() } })
  })
})

describe('the paths of a launch', () => {
  const handled = (options: Partial<OneLaunchOptions>, urls: string[]) => {
    const launch = createSmartLaunch({ ...valid(), ...options })
    return urls.filter((url) => launch.handles(url))
  }
  const request = (url: string) => ({ method: 'GET', url, header: () => undefined })

  it('are siblings of the callback', () => {
    const own = ['/ehr/login', '/ehr/launch?iss=x', '/ehr/callback?code=x', '/ehr/logout']
    expect(handled({}, [...own, '/login', '/ehr/logins', '/ehr/login/x', '/ehr', '//ehr/login'])).toEqual(own)
  })

  it('can be set, or switched off', () => {
    const paths = { login: '/in', launch: false, logout: false } as const
    expect(handled({ paths }, ['/in', '/ehr/callback', '/ehr/launch', '/ehr/login', '/ehr/logout'])).toEqual([
      '/in',
      '/ehr/callback',
    ])
    const launch = createSmartLaunch({ ...valid(), paths: { login: false } })
    expect(launch.loginUrl(request('/chart'))).toBeUndefined()
  })

  it('are as the app sees them where a proxy strips a prefix; what a browser gets has it', () => {
    const launch = createSmartLaunch({ ...valid(), paths: { callback: '/callback' } })
    expect(launch.handles('/callback?x')).toBe(true)
    expect(launch.loginUrl(request('/chart?a=1'))).toBe('/ehr/login?returnTo=%2Fehr%2Fchart%3Fa%3D1')
  })
})
