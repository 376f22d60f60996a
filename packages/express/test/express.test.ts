import { type AppAnswer, startNodeApp, Visitor } from '@fhir-auth/conformance'
import { createSandbox, type Sandbox } from '@fhir-auth/sandbox'
import express, { type ErrorRequestHandler, type Express, type Request, type RequestHandler } from 'express'
import { afterAll, beforeAll, describe, expect, expectTypeOf, it, onTestFinished } from 'vitest'
import {
  type BackendServices,
  backendServices,
  createBackendServices,
  createSmartLaunch,
  FhirAuthError,
  type FhirContext,
  fhirErrors,
  fhirOf,
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

describe('req.fhir', () => {
  it('is an optional FhirContext for the type checker, in every handler of the app', () => {
    expectTypeOf<Request['fhir']>().toEqualTypeOf<FhirContext | undefined>()
  })

  it('is not there before the middleware, nor without a login', async () => {
    const base = await start((app, origin) => {
      app.get('/before', sayFhir)
      app.use(smartLaunch(launchOptions(origin)))
      app.get('/after', sayFhir)
    })
    const browser = new Visitor(base)
    expect((await browser.ask('/after')).json()).toEqual({ has: false, patient: null })
    await browser.logIn('/login?returnTo=/after', { patient: 'basil-mockridge' })
    expect((await browser.ask('/after')).json()).toEqual({ has: true, patient: 'basil-mockridge' })
    expect((await browser.ask('/before')).json()).toEqual({ has: false, patient: null })
  })

  it('is the same object for each request, until there is a new token', async () => {
    const seen = new Set<FhirContext | undefined>()
    const base = await start((app, origin) => {
      app.use(smartLaunch(launchOptions(origin)))
      app.get('/', (req, res) => void res.json(seen.add(req.fhir).size))
    })
    const browser = new Visitor(base)
    await browser.logIn()
    await browser.ask('/')
    await browser.ask('/')
    expect(seen.size).toBe(1)
  })
})

describe('errors', () => {
  it('problems that are forwarded reach error middleware as FhirAuthError, each middleware for itself', async () => {
    const errors: unknown[] = []
    const base = await start((app, origin) => {
      app.use(smartLaunch(launchOptions(origin), { problems: 'forward' }))
      app.get('/forward', requireFhir({}, { problems: 'forward' }), sayFhir)
      app.get('/answer', requireFhir(), sayFhir)
      app.use(keepIn(errors))
    })
    const program = new Visitor(base)
    expect((await program.ask('/callback?code=some-stray-code&state=a')).status).toBe(418)
    expect((await program.ask('/forward')).status).toBe(418)
    expect(errors.map((error) => error instanceof FhirAuthError && [error.code, error.status])).toEqual([
      ['state_mismatch', 400],
      ['login_required', 401],
    ])
    expect((await program.ask('/answer')).status).toBe(401)
  })

  it("Express's own error handler answers a forwarded problem with its status", async () => {
    const base = await start((app, origin) => {
      app.use(smartLaunch(launchOptions(origin)))
      app.get('/guarded', requireFhir({}, { problems: 'forward' }), sayFhir)
    })
    expect((await new Visitor(base).ask('/guarded')).status).toBe(401)
  })

  it('fhirErrors() passes on, as it is, what is not ours, what the app did wrong, and what comes too late', async () => {
    const errors: unknown[] = []
    const foreign = new RangeError('not ours')
    const mistake = new FhirAuthError('url_outside_fhir_base', 'The URL is elsewhere.')
    const late = new FhirAuthError('session_ended', 'The session has ended.')
    const base = await start((app) => {
      app.get('/foreign', () => {
        throw foreign
      })
      app.get('/mistake', () => {
        throw mistake
      })
      app.get('/late', (_req, res) => {
        res.write('half of')
        throw late
      })
      app.use(fhirErrors(), keepIn(errors))
    })
    const program = new Visitor(base)
    expect((await program.ask('/foreign')).status).toBe(418)
    expect((await program.ask('/mistake')).status).toBe(418)
    expect((await program.ask('/late')).text).toBe('half of')
    expect([errors[0] === foreign, errors[1] === mistake, errors[2] === late]).toEqual([true, true, true])
  })

  it('an answer that cannot be sent is an error of the request, and the process goes on', async () => {
    const errors: unknown[] = []
    const base = await start((app, origin) => {
      app.use((_req, res, next) => {
        res.appendHeader = () => {
          throw new Error('The response is gone.')
        }
        next()
      })
      app.use(smartLaunch(launchOptions(origin)))
      app.use(keepIn(errors))
    })
    expect((await new Visitor(base).ask('/login')).status).toBe(418)
    expect(errors).toEqual([new Error('The response is gone.')])
  })

  it('a guard without a launch or a backend says which line is missing', async () => {
    const base = await start((app) => app.get('/guarded', requireFhir(), sayFhir))
    const answer = await new Visitor(base).ask('/guarded')
    expect(answer.status).toBe(500)
    expect(answer.json().detail).toContain('Mount one before requireFhir()')
  })

  it('fhirOf gives the context behind a guard, and says what is missing where there was none', async () => {
    const errors: unknown[] = []
    const base = await start((app) => {
      app.get('/', (req, res) => void res.json(fhirOf(req).patient))
      app.use(keepIn(errors))
    })
    expect((await new Visitor(base).ask('/')).status).toBe(418)
    expect(errors).toMatchObject([
      { code: 'login_required', status: 500, message: expect.stringContaining('Put requireFhir() before the handler') },
    ])
  })

  it('options that cannot work are refused where the middleware is made', () => {
    expect(() => smartLaunch({ ...launchOptions('http://127.0.0.1'), clientId: undefined })).toThrow(/clientId/)
    expect(() =>
      backendServices({ fhirBaseUrl: 'https://fhir.example', clientId: 'a', scope: 'b', keys: undefined }),
    ).toThrow(/keys/)
    expect(() => requireFhir({ scope: 'patient/observation' })).toThrow(/is not a SMART scope/)
  })
})

describe('mounting', () => {
  it('on a router, it serves that router and leaves the others alone', async () => {
    const base = await start((app, origin) => {
      const portal = express.Router()
      portal.use(smartLaunch(launchOptions(origin, '/portal')))
      portal.get('/me', requireFhir(), sayFhir)
      app.use('/portal', portal)
      app.get('/login', (_req, res) => void res.json('the login of the app'))
      app.get('/me', sayFhir)
    })
    const browser = new Visitor(base)
    const page = await browser.logIn('/portal/me', { patient: 'dune-sampleton' })
    expect(page.json()).toEqual({ has: true, patient: 'dune-sampleton' })
    expect((await browser.ask('/me')).json()).toEqual({ has: false, patient: null })
    expect((await browser.ask('/login')).json()).toBe('the login of the app')
  })

  it('two launches in one app have sessions of their own', async () => {
    const base = await start((app, origin) => {
      for (const path of ['/a', '/b'] as const) {
        const router = express.Router()
        const session = { secret: SECRET, cookieName: `session-${path.slice(1)}` }
        router.use(smartLaunch({ ...launchOptions(origin, path), session }))
        router.get('/me', requireFhir(), sayFhir)
        app.use(path, router)
      }
    })
    const browser = new Visitor(base)
    await browser.logIn('/a/me', { patient: 'amber-testwell' })
    expect((await browser.ask('/b/me')).status).toBe(401)
    await browser.logIn('/b/me', { patient: 'basil-mockridge' })
    const seen = [await browser.ask('/a/me'), await browser.ask('/b/me')].map((answer: AppAnswer) => answer.json())
    expect(seen.map(({ patient }) => patient)).toEqual(['amber-testwell', 'basil-mockridge'])
  })

  it('a body that a parser has read before does not matter, and one that is read after is whole', async () => {
    const base = await start((app, origin) => {
      app.use(express.urlencoded({ extended: false }))
      app.use(smartLaunch(launchOptions(origin)))
      app.post('/echo', express.text({ type: 'text/plain' }), (req, res) => void res.json(req.body))
    })
    const browser = new Visitor(base)
    await browser.logIn()
    expect((await browser.logOut()).status).toBe(303)
    const headers = { 'content-type': 'text/plain' }
    expect((await browser.ask('/echo', { method: 'POST', headers, body: 'a whole body' })).json()).toBe('a whole body')
  })

  it('a cookie that the app set before stays beside those of the launch', async () => {
    const base = await start((app, origin) => {
      app.use((_req, res, next) => {
        res.cookie('theme', 'dark')
        next()
      })
      app.use(smartLaunch(launchOptions(origin)))
    })
    const { headers } = await new Visitor(base).open('/login')
    expect(headers.getSetCookie().map((line) => line.split('=')[0]?.replace(/\.login\..*/, ''))).toEqual([
      'theme',
      'fhir-auth',
    ])
  })
})

describe('instances', () => {
  it('one launch serves two apps: who is logged in at one is logged in at the other', async () => {
    const instance: { launch?: ReturnType<typeof createSmartLaunch> } = {}
    const first = await start((app, origin) => {
      instance.launch = createSmartLaunch(launchOptions(origin))
      app.use(smartLaunch(instance.launch))
      app.get('/', sayFhir)
    })
    const second = await start((app) => {
      if (instance.launch) app.use(smartLaunch(instance.launch))
      app.get('/', sayFhir)
    })
    const browser = new Visitor(first)
    await browser.logIn('/login', { patient: 'ember-placeholt' })
    expect((await browser.ask(`${second}/`)).json()).toEqual({ has: true, patient: 'ember-placeholt' })
  })

  it('a backend mounted after the app’s own check asks for no token on behalf of strangers', async () => {
    const own = await createSandbox()
    onTestFinished(() => own.close())
    const base = await start(async (app) => {
      const keys = await loadKeySet(await privateJwk())
      const system = backendServices({ fhirBaseUrl: own.fhirBaseUrl, clientId: 'job', scope: 'system/*.rs', keys })
      app.get('/.well-known/jwks.json', system)
      const staffOnly: RequestHandler = (req, res, next) => void (req.get('x-staff') ? next() : res.sendStatus(401))
      const guard = requireFhir({ scope: 'system/Patient.r', visitor: 'unchecked' })
      app.get('/', staffOnly, system, guard, (req, res) => void res.json(fhirOf(req).patient ?? null))
    })
    own.registerClient({ clientId: 'job', jwksUrl: `${base}/.well-known/jwks.json` })
    expect((await new Visitor(base).ask('/')).status).toBe(401)
    expect((await new Visitor(base).ask('/nothing-here')).status).toBe(404)
    expect(own.requests).toEqual([])
    expect((await fetch(base, { headers: { 'x-staff': 'yes' } })).status).toBe(200)
    expect(own.requests.length).toBeGreaterThan(0)
  })

  it('one backend serves requests and a job with the same token', async () => {
    let backend: BackendServices | undefined
    let inRequest: FhirContext | undefined
    const base = await start(async (app) => {
      backend = createBackendServices({
        fhirBaseUrl: sandbox.fhirBaseUrl,
        clientId: 'job',
        scope: 'system/*.rs',
        keys: await loadKeySet(await privateJwk()),
      })
      app.use(backendServices(backend))
      app.get('/', requireFhir({ scope: 'system/Patient.r', visitor: 'unchecked' }), (req, res) => {
        inRequest = fhirOf(req)
        res.json(true)
      })
    })
    sandbox.registerClient({ clientId: 'job', jwksUrl: `${base}/.well-known/jwks.json` })
    expect((await new Visitor(base).ask('/')).status).toBe(200)
    expect(await backend?.context()).toBe(inRequest)
  })
})

const SECRET = 'only-for-tests-0123456789-abcdefghijklmnop'

/** An app of its own per test; registered at the sandbox under each path that it mounts a launch at. */
async function start(build: (app: Express, origin: string) => unknown): Promise<string> {
  const { origin, close } = await startNodeApp(async (ownOrigin) => {
    const app = express()
    await build(app, ownOrigin)
    return app
  })
  onTestFinished(close)
  return origin
}

function launchOptions(origin: string, mountPath = ''): SmartLaunchOptions {
  const clientId = `portal ${origin}${mountPath}`
  const redirectUri = `${origin}${mountPath}/callback`
  sandbox.registerClient({ clientId, redirectUris: [redirectUri] })
  const scope = 'openid fhirUser launch/patient patient/*.rs'
  return { fhirBaseUrl: sandbox.fhirBaseUrl, clientId, redirectUri, scope, session: { secret: SECRET } }
}

function sayFhir(req: Request, res: express.Response): void {
  res.json({ has: 'fhir' in req, patient: req.fhir?.patient ?? null })
}

function keepIn(errors: unknown[]): ErrorRequestHandler {
  return (error, _req, res, _next) => {
    errors.push(error)
    res.statusCode = 418
    res.end()
  }
}

async function privateJwk(): Promise<object> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-384' }
  const { privateKey } = await crypto.subtle.generateKey(algorithm, true, ['sign'])
  const { kty, crv, x, y, d } = await crypto.subtle.exportKey('jwk', privateKey)
  return { kty, crv, x, y, d, alg: 'ES384' }
}
