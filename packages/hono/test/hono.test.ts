import { generateKeyPairSync } from 'node:crypto'
import { startNodeApp } from '@fhir-auth/conformance'
import { createSandbox, createUserAgent, type Sandbox } from '@fhir-auth/sandbox'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { setCookie } from 'hono/cookie'
import { HTTPException } from 'hono/http-exception'
import { secureHeaders } from 'hono/secure-headers'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  backendServices,
  createBackendServices,
  createSmartLaunch,
  FhirAuthError,
  type FhirEnv,
  fhirErrors,
  loadKeySet,
  requireFhir,
  type SmartLaunchOptions,
  smartLaunch,
} from '../src/index.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await createSandbox()
})
afterAll(() => sandbox.close())

const NOWHERE = 'http://127.0.0.1:1'

describe('smartLaunch', () => {
  it('logs a person in, reads FHIR for them, and logs them out by a plain form', async () => {
    const origin = await start((origin) =>
      new Hono()
        .use(smartLaunch(launchOptions(origin)))
        .get('/', (c) => c.json({ patient: c.var.fhir?.patient ?? null }))
        .get('/vitals', requireFhir({ scope: 'patient/Observation.rs' }), async ({ var: { fhir }, json }) =>
          json(await (await fhir.fetch(`Observation?patient=${fhir.patient}`)).json()),
        ),
    )
    const browser = createUserAgent()
    const page = await browser.signIn(`${origin}/vitals`, { patient: 'amber-testwell' })
    expect(page.url).toBe(`${origin}/vitals`)
    expect(await page.json()).toMatchObject({ resourceType: 'Bundle' })
    expect(await (await browser.visit(origin)).json()).toEqual({ patient: 'amber-testwell' })

    const form = { method: 'POST', headers: { origin }, body: new URLSearchParams({ button: 'Log out' }) }
    const logout = await browser.request(`${origin}/logout`, form)
    expect([logout.status, logout.headers.get('location')]).toEqual([303, '/'])
    expect(await (await browser.visit(origin)).json()).toEqual({ patient: null })
  })

  it('works in a sub-app: the paths it answers are the whole ones', async () => {
    const origin = await start((origin) => {
      const ehr = new Hono()
        .use(smartLaunch(launchOptions(origin, '/ehr')))
        .get('/me', requireFhir(), (c) => c.json({ patient: c.var.fhir.patient }))
      const lab = new Hono()
        .basePath('/lab')
        .use(smartLaunch(launchOptions(origin, '/lab', 'lab')))
        .get('/me', requireFhir(), (c) => c.json({ patient: c.var.fhir.patient }))
      return new Hono<FhirEnv>()
        .route('/ehr', ehr)
        .route('/', lab)
        .get('/outside', (c) => c.json({ fhir: c.var.fhir === undefined ? 'none' : 'some' }))
    })
    const browser = createUserAgent()
    const page = await browser.signIn(`${origin}/ehr/me`, { patient: 'amber-testwell' })
    expect(await page.json()).toEqual({ patient: 'amber-testwell' })
    const other = await browser.signIn(`${origin}/lab/me`, { patient: sandbox.patients[1]?.id })
    expect(await other.json()).toEqual({ patient: sandbox.patients[1]?.id })
    expect(await (await browser.visit(`${origin}/ehr/me`)).json()).toEqual({ patient: 'amber-testwell' })
    expect(await (await browser.visit(`${origin}/outside`)).json()).toEqual({ fhir: 'none' })
    expect((await browser.visit(`${origin}/login`)).status).toBe(404)
  })

  it('works below app.mount(), which cuts the prefix off', async () => {
    const origin = await start((origin) => {
      const ehr = new Hono()
        .use(smartLaunch({ ...launchOptions(origin, '/ehr'), paths: { callback: '/callback' } }))
        .get('/me', requireFhir(), (c) => c.json({ patient: c.var.fhir.patient }))
      return new Hono().mount('/ehr', ehr.fetch)
    })
    const page = await createUserAgent().signIn(`${origin}/ehr/me`, { patient: 'amber-testwell' })
    expect([page.url, await page.json()]).toEqual([`${origin}/ehr/me`, { patient: 'amber-testwell' }])
  })

  it('reads nothing from the host that the client names', async () => {
    const app = new Hono().use(smartLaunch(launchOptions(NOWHERE))).get('/', requireFhir(), (c) => c.text('in'))
    const headers = { accept: 'text/html', host: 'evil.example', 'x-forwarded-host': 'evil.example' }
    const answer = await app.request('http://evil.example:99/?a=1', { headers })
    expect(answer.headers.get('location')).toBe('/login?returnTo=%2F%3Fa%3D1')
    const login = await app.request('http://evil.example/login', { headers })
    expect(new URL(login.headers.get('location') ?? '').searchParams.get('redirect_uri')).toBe(`${NOWHERE}/callback`)
  })

  it('keeps the cookies and headers that the app sets on the same answer', async () => {
    const app = new Hono()
      .use(secureHeaders({ xFrameOptions: 'DENY' }))
      .use(async (c, next) => {
        c.header('x-request-id', '7')
        setCookie(c, 'theme', 'dark')
        await next()
      })
      .use(smartLaunch(launchOptions(NOWHERE)))
    const { headers } = await app.request('/login')
    expect(headers.getSetCookie()).toEqual(['theme=dark; Path=/', expect.stringContaining('HttpOnly')])
    expect([headers.get('x-request-id'), headers.get('x-frame-options')]).toEqual(['7', 'DENY'])
    expect(headers.get('cache-control')).toBe('no-store')
  })

  it('an answer has the content type of core, and none when it has no body', async () => {
    const app = new Hono().use(smartLaunch(launchOptions(NOWHERE)))
    expect((await app.request('/login')).headers.has('content-type')).toBe(false)
    expect((await app.request('/callback')).headers.get('content-type')).toBe('application/problem+json')
    const page = await app.request('/callback', { headers: { accept: 'text/html' } })
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
  })

  it('takes an instance instead of options', async () => {
    const app = new Hono().use(smartLaunch(createSmartLaunch(launchOptions(NOWHERE))))
    expect((await app.request('/login')).status).toBe(303)
  })

  it('says what is wrong with its options at once', () => {
    expect(() => smartLaunch({ ...launchOptions(NOWHERE), clientId: undefined })).toThrow('clientId is undefined')
  })
})

describe('requireFhir', () => {
  it('names what is missing when no middleware ran before it', async () => {
    const app = new Hono().get('/', requireFhir(), (c) => c.text('in'))
    expect(await (await app.request('/')).json()).toMatchObject({ status: 500, code: 'login_required' })
  })
})

describe('errors', () => {
  it("with problems: 'forward' app.onError gets an HTTPException with the FhirAuthError and the answer", async () => {
    const seen: unknown[] = []
    const app = new Hono()
      .use(smartLaunch(launchOptions(NOWHERE), { problems: 'forward' }))
      .get('/', requireFhir({}, { problems: 'forward' }), (c) => c.text('in'))
    app.onError((error) => {
      seen.push(error)
      return error instanceof HTTPException ? error.getResponse() : new Response('not mine', { status: 500 })
    })
    const login = await app.request('/login')
    const state = new URL(login.headers.get('location') ?? '').searchParams.get('state')
    const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const callback = await app.request(`/callback?error=access_denied&state=${state}`, { headers: { cookie } })
    const guarded = await app.request('/')
    expect([callback.status, guarded.status]).toEqual([400, 401])
    expect(await guarded.json()).toMatchObject({ code: 'login_required' })
    expect(callback.headers.getSetCookie()).toHaveLength(1)
    expect(seen.map((error) => error instanceof HTTPException && error.cause)).toEqual([
      expect.any(FhirAuthError),
      expect.any(FhirAuthError),
    ])
  })

  it('without app.onError a forwarded problem is answered as it would have been', async () => {
    const [own, forwarded] = await Promise.all(
      (['answer', 'forward'] as const).map(async (problems) => {
        const app = new Hono().use(smartLaunch(launchOptions(NOWHERE), { problems }))
        const { status, headers, ...response } = await app.request('/callback?state=a')
        return { status, headers: [...headers], body: response.body }
      }),
    )
    expect(forwarded).toEqual(own)
  })

  it('fhirErrors() gives what is not ours to the handler of the app, or answers it as Hono does', async () => {
    const seen: unknown[] = []
    const foreign = new RangeError('not ours')
    const failing = (onError: Parameters<Hono['onError']>[0]) =>
      new Hono()
        .get('/foreign', () => {
          throw foreign
        })
        .get('/http', () => {
          throw new HTTPException(409, { message: 'conflict' })
        })
        .onError(onError)
    const own = failing(
      fhirErrors((error, c) => {
        seen.push(error)
        return c.text('mine', 418)
      }),
    )
    expect((await own.request('/foreign')).status).toBe(418)
    expect(seen[0]).toBe(foreign)
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => logged.mockRestore())
    const usual = failing(fhirErrors())
    expect([(await usual.request('/foreign')).status, (await usual.request('/http')).status]).toEqual([500, 409])
    expect(logged.mock.calls).toEqual([[foreign]])
  })

  it('what nobody expects goes to app.onError, and only for routes that need the token', async () => {
    const fault = new RangeError('the clock is broken')
    const launch = createSmartLaunch(launchOptions(NOWHERE))
    launch.contextFor = () => Promise.reject(fault)
    launch.answer = () => Promise.reject(fault)
    const seen: unknown[] = []
    const app = new Hono()
      .use(smartLaunch(launch))
      .get('/public', (c) => c.text('all'))
      .get('/', requireFhir(), (c) => c.text('in'))
    app.onError((error, c) => {
      seen.push(error)
      return c.text('broken', 500)
    })
    expect(await (await app.request('/public')).text()).toBe('all')
    expect(await (await app.request('/')).text()).toBe('broken')
    expect(await (await app.request('/login')).text()).toBe('broken')
    expect(seen).toEqual([fault, fault])
  })
})

describe('backendServices', () => {
  it('serves the JWKS and puts a system token in the context', async () => {
    const keys = await createKeys()
    const origin = await start((origin) => {
      sandbox.registerClient({ clientId: 'job', jwksUrl: `${origin}/.well-known/jwks.json` })
      return new Hono()
        .use(backendServices(backendOptions(keys)))
        .get('/patients', requireFhir({ scope: 'system/Patient.rs', visitor: 'unchecked' }), async (c) =>
          c.json(await (await c.var.fhir.fetch('Patient')).json()),
        )
    })
    const jwks = await (await fetch(`${origin}/.well-known/jwks.json`)).json()
    expect(jwks).toEqual({ keys: [expect.not.objectContaining({ d: expect.anything() })] })
    expect(await (await fetch(`${origin}/patients`)).json()).toMatchObject({ resourceType: 'Bundle' })
  })

  it('never gives a person the rights of the system', async () => {
    const app = new Hono()
      .use(smartLaunch(launchOptions(NOWHERE)))
      .use(backendServices(createBackendServices(backendOptions(await createKeys()))))
      .get('/', requireFhir(), (c) => c.text('in'))
    expect(await (await app.request('/')).json()).toMatchObject({ status: 401, code: 'login_required' })
  })
})

/** An app on a port of its own, told its origin before it is built. */
async function start(build: (origin: string) => { fetch: Parameters<typeof getRequestListener>[0] }): Promise<string> {
  const { origin, close } = await startNodeApp((origin) => getRequestListener(build(origin).fetch))
  onTestFinished(close)
  return origin
}

function launchOptions(origin: string, folder = '', clientId = 'portal'): SmartLaunchOptions {
  const redirectUri = `${origin}${folder}/callback`
  sandbox.registerClient({ clientId, redirectUris: [redirectUri] })
  return {
    fhirBaseUrl: sandbox.fhirBaseUrl,
    clientId,
    redirectUri,
    scope: 'openid fhirUser launch/patient patient/*.rs',
    session: { secret: 'a session secret for tests: 0123456789', cookieName: `fhir-auth.${clientId}` },
  }
}

function backendOptions(keys: Awaited<ReturnType<typeof createKeys>>) {
  return { fhirBaseUrl: sandbox.fhirBaseUrl, clientId: 'job', keys, scope: 'system/Patient.rs' }
}

function createKeys() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  return loadKeySet(privateKey.export({ type: 'pkcs8', format: 'pem' }))
}
