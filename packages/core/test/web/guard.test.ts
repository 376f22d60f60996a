import { createUserAgent } from '@fhir-auth/sandbox'
import { describe, expect, it } from 'vitest'
import {
  type AdapterRequest,
  type Answer,
  createFhirGuard,
  type FhirHandler,
  MissingContext,
} from '../../src/adapter.ts'
import { FhirContext } from '../../src/fhir/fhir-context.ts'
import { createSmartLaunch, FhirAuthError, type FhirRequirement, ScopeSet } from '../../src/index.ts'
import { DEFAULT_PROBLEM_SETTINGS, setProblemSettings } from '../../src/web/problem-settings.ts'
import { startCoreApp } from '../support/core-app.ts'
import { startSandbox } from '../support/registered-client.ts'

const PERSON = { accept: 'text/html,application/xhtml+xml', 'sec-fetch-mode': 'navigate' }
const PROGRAM = { accept: 'application/json', 'sec-fetch-mode': 'cors' }

function request(headers: Record<string, string> = {}, method = 'GET', url = '/vitals?page=2'): AdapterRequest {
  return { method, url, header: (name) => headers[name] }
}

function contextWith(
  members: { scope?: string; patient?: string; encounter?: string; launchId?: string | undefined } = {},
): FhirContext {
  const { scope = 'patient/*.rs launch/patient', patient, encounter } = members
  const launchId = 'launchId' in members ? members.launchId : 'bbb'
  return new FhirContext(
    {
      ...{ fhirBaseUrl: 'https://ehr.example/fhir', accessToken: 't', expiresAt: 0, scope: ScopeSet.parse(scope) },
      ...{ patient, encounter, fhirUser: undefined, idToken: undefined, launch: {}, launchId },
    },
    { tokens: { current: () => 't', replace: async () => undefined }, send: fetch },
  )
}

function handlerWith(loginUrl?: string): FhirHandler {
  return {
    kind: 'launch',
    paths: [],
    handles: () => false,
    answer: () => ({ kind: 'page', status: 200, headers: {}, cookies: [], body: '' }),
    contextFor: () => undefined,
    ...(loginUrl !== undefined && { loginUrl: () => loginUrl }),
  }
}

describe('a request with a context', () => {
  it.each<[string, FhirRequirement]>([
    ['nothing', {}],
    ['a scope that is covered', { scope: 'patient/Observation.rs' }],
    ['a v1 scope that is covered', { scope: 'patient/Observation.read' }],
    ['several scopes, as text', { scope: 'patient/Observation.rs launch/patient' }],
    ['several scopes, as a list', { scope: ['patient/Observation.rs', 'launch/patient'] }],
    ['a patient', { patient: true }],
    ['an encounter', { encounter: true }],
    ['neither, by false', { patient: false, encounter: false }],
  ])('ERR-05 passes where the route needs %s', (_name, requirement) => {
    const context = contextWith({ patient: '1', encounter: '2' })
    expect(createFhirGuard(requirement)(context, request(PERSON))).toBeUndefined()
  })

  it('ERR-05 a scope that was not granted is a 403 that names it, for a person as for a program, and no login', () => {
    const guard = createFhirGuard({ scope: 'patient/Observation.rs patient/Observation.c user/Group.r' })
    for (const headers of [PERSON, PROGRAM]) {
      const answer = guard(contextWith(), request(headers))
      expect(answer).toMatchObject({ kind: 'problem', status: 403, error: { code: 'insufficient_scope' } })
      expect(messageOf(answer)).toContain('patient/Observation.c user/Group.r')
      expect(messageOf(answer)).not.toContain('patient/Observation.rs')
    }
  })

  it('the login of that page leads back to it, with the prefix that a proxy cuts off', () => {
    const context = contextWith()
    setProblemSettings(context, { ...DEFAULT_PROBLEM_SETTINGS, loginUrl: '/app/login', pathPrefix: '/app' })
    const guard = createFhirGuard({ scope: 'user/Group.r' })
    expect(guard(context, request(PERSON))?.body).toContain('<a href="/app/login?returnTo=%2Fapp%2Fvitals%3Fpage%3D2">')
    expect(guard(context, request(PERSON, 'POST'))?.body).toContain('<a href="/app/login">')
  })

  it.each([
    [{ patient: true }, {}, 'patient'],
    [{ encounter: true }, { patient: '1' }, 'encounter'],
    [{ patient: true }, { patient: '' }, 'patient'],
  ])('RSP-12 a context without what the route needs is a 403, not a guess (%j)', (requirement, context, lacking) => {
    const answer = createFhirGuard(requirement)(contextWith(context), request(PROGRAM))
    expect(answer).toMatchObject({ status: 403, error: { code: 'missing_context' } })
    expect(JSON.parse(answer?.body ?? '').detail).toContain(`a ${lacking} in context`)
  })
})

describe("a request with the app's own token", () => {
  const system = contextWith({ scope: 'system/*.rs', launchId: undefined })

  it.each<[string, FhirRequirement]>([
    ['nothing', {}],
    ['a scope that the token happens to cover', { scope: 'patient/Patient.rs' }],
    ['a patient', { patient: true }],
  ])('SEC-13 authorises no visitor where the route needs %s', (_name, requirement) => {
    const broad = contextWith({ scope: 'system/*.rs patient/*.rs', patient: '1', launchId: undefined })
    for (const headers of [PERSON, PROGRAM]) {
      const answer = createFhirGuard(requirement)(broad, request(headers))
      expect(answer).toMatchObject({ kind: 'problem', status: 500, error: { code: 'login_required' } })
      expect(messageOf(answer)).toContain('does not authorise a visitor')
    }
  })

  it('SEC-13 passes where the guard says that it does not check visitors, and only within its scope', () => {
    const guard = (scope: string) => createFhirGuard({ scope, visitor: 'unchecked' })
    expect(guard('system/Patient.rs')(system, request(PROGRAM))).toBeUndefined()
    expect(guard('system/Patient.c')(system, request(PROGRAM))).toMatchObject({ status: 403 })
    expect(guard('patient/Patient.rs')(contextWith(), request(PROGRAM))).toBeUndefined()
  })
})

describe('a page that only the page before it ties to a launch', () => {
  const context = contextWith({ launchId: 'aaa' })
  const referer = 'https://portal.example/chart?launch_id=aaa'
  const guard = createFhirGuard()

  it('EHR-06 is sent to its own address with the launch, so that the next plain link works as well', () => {
    const answer = guard(context, request({ ...PERSON, referer }))
    expect(answer).toMatchObject({ kind: 'redirect', status: 303, location: '?page=2&launch_id=aaa' })
  })

  it('EHR-06 is served if it is not a page, or not a page of a launch', () => {
    expect(guard(context, request({ ...PROGRAM, referer }))).toBeUndefined()
    expect(guard(context, request({ ...PERSON, referer }, 'POST'))).toBeUndefined()
    expect(guard(context, request(PERSON))).toBeUndefined()
    expect(
      createFhirGuard({ visitor: 'unchecked' })(contextWith({ launchId: undefined }), request({ ...PERSON, referer })),
    ).toBeUndefined()
  })

  it('EHR-06 comes back to its launch from a login, to which our own redirect carries no referrer', () => {
    const launch = createSmartLaunch({
      fhirBaseUrl: 'https://ehr.example/fhir',
      clientId: 'portal',
      redirectUri: 'https://portal.example/app/callback',
      paths: { callback: '/callback' },
      scope: 'launch',
      session: { secret: crypto.randomUUID() },
    })
    const returnTo = (url: string) => new URLSearchParams(url.split('?')[1]).get('returnTo')
    expect(returnTo(launch.loginUrl(request({ referer })) ?? '')).toBe('/app/vitals?page=2&launch_id=aaa')
    expect(returnTo(launch.loginUrl(request()) ?? '')).toBe('/app/vitals?page=2')
  })

  it('EHR-06 is refused first where the token does not reach', () => {
    const strict = createFhirGuard({ scope: 'user/Group.r' })
    expect(strict(context, request({ ...PERSON, referer }))).toMatchObject({ status: 403 })
  })
})

describe('a request without a context', () => {
  const guard = createFhirGuard()
  const missing = (failure?: unknown, loginUrl?: string) => new MissingContext(handlerWith(loginUrl), failure)
  const LOGIN = '/login?returnTo=%2Fvitals%3Fpage%3D2'

  it.each([
    ['a browser that says it navigates', PERSON, 'GET'],
    ['a browser that says so in a frame', { ...PERSON, 'sec-fetch-dest': 'iframe' }, 'GET'],
    ['a browser without Sec-Fetch-Mode', { accept: 'text/html' }, 'GET'],
    ['a HEAD of a navigation', PERSON, 'HEAD'],
  ])('ERR-05 a person is sent to the login: %s', (_name, headers, method) => {
    const answer = guard(missing(undefined, LOGIN), request(headers, method))
    expect(answer).toMatchObject({ kind: 'redirect', status: 303, location: LOGIN })
    expect(answer?.headers).toMatchObject({ location: LOGIN, 'cache-control': 'no-store' })
  })

  it.each([
    ['a program', PROGRAM, 'GET'],
    ['a request without any header', {}, 'GET'],
    [
      'a script of a browser without Sec-Fetch-Mode',
      { accept: 'text/html', 'x-requested-with': 'XMLHttpRequest' },
      'GET',
    ],
    ['a script that accepts HTML', { accept: 'text/html', 'sec-fetch-mode': 'cors' }, 'GET'],
    ['a form post, whose body a redirect would lose', PERSON, 'POST'],
  ])('ERR-05 a 401 answers %s', (_name, headers, method) => {
    const answer = guard(missing(undefined, LOGIN), request(headers, method))
    expect(answer).toMatchObject({ kind: 'problem', status: 401, error: { code: 'login_required' } })
    expect(answer?.headers).toMatchObject({ 'www-authenticate': expect.any(String), 'cache-control': 'no-store' })
  })

  it('ERR-05 a program reads problem+json, a person a page', () => {
    const problem = guard(missing(), request(PROGRAM))
    expect(problem?.headers['content-type']).toBe('application/problem+json')
    expect(JSON.parse(problem?.body ?? '')).toMatchObject({ status: 401, code: 'login_required' })
    const page = guard(missing(), request(PERSON))
    expect(page?.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(page?.headers['content-security-policy']).toContain("default-src 'none'")
    expect(page?.body).toMatch(/^<!doctype html>.*Open the app from the health record/s)
  })

  it.each([
    ['ambiguous_launch', 409],
    ['token_unavailable', 503],
    ['session_store_failed', 503],
    ['session_ended', 401],
  ] as const)('ERR-05 why there is no context reaches the asker: %s is a %i, never a login', (code, status) => {
    for (const headers of [PERSON, PROGRAM]) {
      const answer = guard(missing(new FhirAuthError(code, 'Why.'), LOGIN), request(headers))
      expect(answer).toMatchObject({ kind: 'problem', status, error: { code } })
    }
  })

  it('ERR-05 a form that is sent too late leads back to its page, and never to its own address', () => {
    const launch = createSmartLaunch({
      fhirBaseUrl: 'https://ehr.example/fhir',
      clientId: 'portal',
      redirectUri: 'https://portal.example/app/callback',
      paths: { callback: '/callback' },
      scope: 'launch',
      session: { secret: crypto.randomUUID() },
    })
    const linkOf = (headers: Record<string, string>) => {
      const asked = request({ ...PERSON, ...headers }, 'POST', '/notes/save')
      const page = guard(new MissingContext(launch), asked)
      expect(page?.status).toBe(401)
      return /href="([^"]*)"/.exec(page?.body ?? '')?.[1]
    }
    const referer = 'https://portal.example/app/notes?launch_id=aaa#x'
    expect(linkOf({ referer })).toBe(`/app/login?returnTo=${encodeURIComponent('/app/notes?launch_id=aaa')}`)
    // Another site, or a browser that does not say: the home page.
    for (const headers of [{ referer: 'https://evil.example/app/notes' }, { referer: 'not a URL' }, {}]) {
      expect(linkOf(headers)).toBe('/app/login')
    }
  })

  it('ERR-05 a 503 says when to come back', () => {
    const retryAfter = (retryAfterSeconds?: number) =>
      guard(missing(new FhirAuthError('token_unavailable', '', { retryAfterSeconds })), request(PROGRAM))?.headers[
        'retry-after'
      ]
    expect([retryAfter(17), retryAfter()]).toEqual(['17', '5'])
  })

  it('ERR-05 a fault of another kind is thrown to the app, not answered', () => {
    const fault = new TypeError('a bug')
    expect(() => guard(missing(fault), request(PROGRAM))).toThrow(fault)
  })

  it('ERR-05 if no middleware ran, a 500 tells the developer, whoever sends the request', () => {
    for (const [found, headers] of [
      [undefined, PERSON],
      [null, PROGRAM],
    ] as const) {
      const answer = guard(found, request(headers))
      expect(answer).toMatchObject({ kind: 'problem', status: 500 })
      expect(messageOf(answer)).toMatch(/Mount one before requireFhir/)
    }
  })

  it('SEC-02 a URL that a person was sent to cannot write into the page', () => {
    const error = new FhirAuthError('token_unavailable', '<script>alert(1)</script>')
    expect(guard(missing(error), request(PERSON))?.body).not.toContain('<script>')
  })
})

describe('configuration', () => {
  it.each([
    ['an empty scope', { scope: ' ' }, 'empty'],
    ['an empty list', { scope: [] }, 'empty'],
    [
      'something that is not a SMART scope',
      { scope: 'patient/Observation.sr' },
      '"patient/Observation.sr" is not a SMART scope',
    ],
    ["a scope of the app's own token", { scope: 'patient/*.rs system/Patient.r' }, 'does not authorise a visitor'],
    ['a visitor of another kind', { visitor: 'anyone' }, "visitor must be 'unchecked'"],
    ['a misspelt option', { scopes: 'patient/*.rs' }, 'Did you mean "scope"?'],
  ])('ERR-05 %s is refused when the guard is made', (_name, requirement, message) => {
    expect(() => createFhirGuard(requirement as FhirRequirement)).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining(message) }),
    )
  })
})

describe('behind a real login', () => {
  it('ERR-05 RSP-12 the granted scope and context decide, not what was asked for', async () => {
    const sandbox = await startSandbox({ consent: 'auto' })
    const guard = createFhirGuard({ scope: 'patient/Observation.rs', patient: true })
    const app = await startCoreApp(
      (origin) => {
        const redirectUri = `${origin}/callback`
        sandbox.registerClient({
          clientId: 'app',
          redirectUris: [redirectUri],
          scope: 'launch/patient patient/Patient.r',
        })
        const session = { secret: crypto.randomUUID() }
        const scope = 'launch/patient patient/Patient.r patient/Observation.rs'
        return createSmartLaunch({ fhirBaseUrl: sandbox.fhirBaseUrl, clientId: 'app', redirectUri, scope, session })
      },
      (fhir, asked) => ({
        status: guard(fhir ?? new MissingContext(handlerWith('/login')), asked)?.status ?? 200,
        patient: fhir?.patient,
      }),
    )
    const response = await createUserAgent().signIn(`${app.origin}/login`)
    expect(await response.json()).toEqual({ status: 403, patient: sandbox.patients[0]?.id })
  })
})

/** What the operator and a program read. */
function messageOf(answer: Answer | undefined): string {
  return answer?.kind === 'problem' ? answer.error.message : ''
}
