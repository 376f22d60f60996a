import { generateKeyPairSync } from 'node:crypto'
import { Readable } from 'node:stream'
import { startNodeApp } from '@fhir-auth/conformance'
import { createSandbox, createUserAgent, type Sandbox } from '@fhir-auth/sandbox'
import Fastify, { type FastifyInstance, type FastifyPluginAsync, type FastifyServerOptions } from 'fastify'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  backendServices,
  createBackendServices,
  createSmartLaunch,
  FhirAuthError,
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

const SECRET = 'a session secret for tests: 0123456789'

describe('smartLaunch', () => {
  it('logs a person in, reads FHIR for them, and logs them out by a plain form', async () => {
    const { origin } = await start((app, origin) => {
      app.register(smartLaunch, launchOptions(origin))
      app.get('/', async (request) => ({ patient: request.fhir?.patient ?? null }))
      app.get('/vitals', { preHandler: requireFhir({ scope: 'patient/Observation.rs' }) }, async ({ fhir }) => {
        const response = await fhir?.fetch(`Observation?patient=${fhir.patient}`)
        return response?.json()
      })
    })
    const browser = createUserAgent()
    const page = await browser.signIn(`${origin}/vitals`, { patient: 'amber-testwell' })
    expect(page.url).toBe(`${origin}/vitals`)
    expect(await page.json()).toMatchObject({ resourceType: 'Bundle' })
    expect(await (await browser.visit(origin)).json()).toEqual({ patient: 'amber-testwell' })

    // Fastify knows no parser for forms: the answer must come before it looks for one.
    const form = { method: 'POST', headers: { origin }, body: new URLSearchParams({ button: 'Log out' }) }
    const logout = await browser.request(`${origin}/logout`, form)
    expect([logout.status, logout.headers.get('location')]).toEqual([303, '/'])
    expect(await (await browser.visit(origin)).json()).toEqual({ patient: null })
  })

  it('finds its paths where rewriteUrl strips a prefix, as a proxy does, and sends the browser to where the prefix is', async () => {
    const { origin } = await start(
      (app, origin) => {
        const paths = { callback: '/callback', home: '/chart' }
        app.register(smartLaunch, { ...launchOptions(origin, '/ehr'), paths })
        app.get('/chart', { preHandler: requireFhir() }, async ({ fhir }) => ({ patient: fhir?.patient }))
      },
      { rewriteUrl: ({ url = '' }) => url.replace(/^\/ehr(?=\/)/, '') },
    )
    const page = await createUserAgent().signIn(`${origin}/ehr/chart?a=1`, { patient: 'amber-testwell' })
    expect(page.url).toBe(`${origin}/ehr/chart?a=1`)
    expect(await page.json()).toEqual({ patient: 'amber-testwell' })
    const home = await createUserAgent().signIn(`${origin}/ehr/login`, { patient: 'amber-testwell' })
    expect(home.url).toBe(`${origin}/ehr/chart`)
  })

  it('answers its paths for every method, with or without a query', async () => {
    const app = await ready((app) => app.register(smartLaunch, launchOptions('http://127.0.0.1:1')))
    for (const method of ['PUT', 'DELETE', 'OPTIONS'] as const) {
      const answer = await app.inject({ method, url: '/callback?code=a', payload: '{' })
      expect([answer.statusCode, answer.json().code]).toEqual([405, 'method_not_allowed'])
    }
    expect((await app.inject('/callback')).statusCode).toBe(400)
    expect((await app.inject('/callback/more')).json()).toMatchObject({ error: 'Not Found' })
  })

  it('what the router takes for one of its paths and core does not is not found', async () => {
    const app = await ready((app) => app.register(smartLaunch, launchOptions('http://127.0.0.1:1')), {
      routerOptions: { caseSensitive: false },
    })
    expect((await app.inject('/CALLBACK')).statusCode).toBe(404)
  })

  it('keeps cookies that the app sets on the same answer', async () => {
    const app = await ready((app) => {
      app.addHook('onRequest', async (_request, reply) => void reply.header('set-cookie', 'theme=dark'))
      app.register(smartLaunch, launchOptions('http://127.0.0.1:1'))
    })
    const cookies = (await app.inject('/login')).headers['set-cookie']
    expect(cookies).toEqual(['theme=dark', expect.stringContaining('HttpOnly')])
  })

  it('an answer has the content type of core, and none when it has no body', async () => {
    const app = await ready((app) => app.register(smartLaunch, launchOptions('http://127.0.0.1:1')))
    expect((await app.inject('/login')).headers).not.toHaveProperty('content-type')
    expect((await app.inject('/callback')).headers['content-type']).toBe('application/problem+json')
    const page = await app.inject({ url: '/callback', headers: { accept: 'text/html' } })
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
  })

  it('takes an instance instead of options', async () => {
    const launch = createSmartLaunch(launchOptions('http://127.0.0.1:1'))
    const app = await ready((app) => app.register(smartLaunch, { launch }))
    expect((await app.inject('/login')).statusCode).toBe(303)
  })

  it('says what is wrong with its options while the app gets ready', async () => {
    await expect(
      ready((app) => app.register(smartLaunch, { ...launchOptions('http://127.0.0.1:1'), clientId: undefined })),
    ).rejects.toMatchObject({ code: 'invalid_option', message: expect.stringContaining('clientId') })
  })

  it('what Fastify logs of its paths has no query, and so no authorization code', async () => {
    const lines: string[] = []
    const logger = { stream: { write: (line: string) => void lines.push(line) } }
    const app = await ready(
      (app) => {
        app.register(smartLaunch, launchOptions('http://127.0.0.1:1'))
        app.get('/other', async () => 'other')
      },
      { logger },
    )
    await app.inject('/callback?code=the-code&state=a')
    await app.inject('/other?page=2')
    const urls = lines.map((line) => JSON.parse(line).req?.url).filter((url) => url !== undefined)
    expect(urls).toEqual(['/callback', '/other?page=2'])
  })

  it('can be asked for by name', async () => {
    const app = await ready((app) => app.register(smartLaunch, launchOptions('http://127.0.0.1:1')))
    expect(app.hasPlugin('fhir-auth-smart-launch')).toBe(true)
  })
})

describe('encapsulation', () => {
  it('two sibling scopes have registrations and sessions of their own', async () => {
    const whoAmI: FastifyPluginAsync = async (scope) => {
      scope.get('/me', async ({ fhir }) => ({ patient: fhir?.patient ?? null }))
    }
    const { origin } = await start((app, origin) => {
      for (const name of ['ehr', 'lab']) {
        const scoped = async (scope: FastifyInstance) => {
          scope.register(smartLaunch, launchOptions(origin, `/${name}`, name))
          scope.register(whoAmI)
        }
        app.register(scoped, { prefix: `/${name}` })
      }
      app.get('/outside', async (request) => ({ hasFhir: 'fhir' in request }))
    })
    const browser = createUserAgent()
    await browser.signIn(`${origin}/ehr/login?returnTo=/ehr/me`, { patient: 'amber-testwell' })
    expect(await (await browser.visit(`${origin}/ehr/me`)).json()).toEqual({ patient: 'amber-testwell' })
    expect(await (await browser.visit(`${origin}/lab/me`)).json()).toEqual({ patient: null })
    const page = await browser.signIn(`${origin}/lab/login?returnTo=/lab/me`, { patient: sandbox.patients[1]?.id })
    expect(await page.json()).toEqual({ patient: sandbox.patients[1]?.id })
    expect(await (await browser.visit(`${origin}/ehr/me`)).json()).toEqual({ patient: 'amber-testwell' })
    expect(await (await browser.visit(`${origin}/outside`)).json()).toEqual({ hasFhir: false })
    expect((await browser.visit(`${origin}/login`)).status).toBe(404)
  })

  it('a scope within a scope may have its own registration, which wins there', async () => {
    const { origin } = await start((app, origin) => {
      app.register(smartLaunch, launchOptions(origin))
      app.get('/me', async ({ fhir }) => ({ patient: fhir?.patient ?? null }))
      app.register(
        async (scope) => {
          scope.register(smartLaunch, launchOptions(origin, '/lab', 'lab'))
          scope.get('/me', async ({ fhir }) => ({ patient: fhir?.patient ?? null }))
        },
        { prefix: '/lab' },
      )
    })
    const browser = createUserAgent()
    await browser.signIn(`${origin}/login`, { patient: 'amber-testwell' })
    expect(await (await browser.visit(`${origin}/me`)).json()).toEqual({ patient: 'amber-testwell' })
    expect(await (await browser.visit(`${origin}/lab/me`)).json()).toEqual({ patient: null })
    const page = await browser.signIn(`${origin}/lab/login?returnTo=/lab/me`, { patient: sandbox.patients[1]?.id })
    expect(await page.json()).toEqual({ patient: sandbox.patients[1]?.id })
  })

  it('a path outside the prefix is refused, because no request for it would come', async () => {
    const app = ready((app) =>
      app.register(async (scope) => void scope.register(smartLaunch, launchOptions('http://127.0.0.1:1')), {
        prefix: '/ehr',
      }),
    )
    await expect(app).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringContaining('/callback is outside the prefix /ehr'),
    })
  })

  it('one instance can serve several scopes, whichever has its paths', async () => {
    const launch = createSmartLaunch(launchOptions('http://127.0.0.1:1', '/auth'))
    const scoped = async (scope: FastifyInstance) => {
      scope.register(smartLaunch, { launch })
      scope.get('/me', { preHandler: requireFhir() }, async () => 'me')
    }
    const app = await ready((app) => {
      for (const prefix of ['/auth', '/api', '/auth'])
        app.register(scoped, { prefix: prefix === '/auth' ? '' : prefix })
    }).catch((error) => error)
    // Both scopes without a prefix declare /me: that clash is the app's own, and the only one.
    expect(app).toMatchObject({ code: 'FST_ERR_DUPLICATED_ROUTE', message: expect.stringContaining('/me') })

    const good = await ready((app) => {
      app.register(async (scope) => void scope.register(smartLaunch, { launch }), { prefix: '/auth' })
      app.register(scoped, { prefix: '/api' })
      app.register(async (scope) => void scope.register(smartLaunch, { launch }))
    })
    expect((await good.inject('/auth/login')).statusCode).toBe(303)
    expect((await good.inject({ url: '/api/me', headers: { accept: 'text/html' } })).headers.location).toBe(
      '/auth/login?returnTo=%2Fapi%2Fme',
    )
  })
})

describe('requireFhir', () => {
  it('names what is missing when no plugin covers the route', async () => {
    const app = await ready((app) => app.get('/', { preHandler: requireFhir() }, async () => 'in'))
    expect((await app.inject('/')).json()).toMatchObject({ status: 500, code: 'login_required' })
  })

  it('guards a whole scope as a hook', async () => {
    const app = await ready((app) => {
      app.register(smartLaunch, launchOptions('http://127.0.0.1:1'))
      app.register(async (scope) => {
        scope.addHook('preHandler', requireFhir())
        scope.get('/inside', async () => 'in')
      })
      app.get('/public', async () => 'all')
    })
    expect((await app.inject('/inside')).statusCode).toBe(401)
    expect((await app.inject('/public')).body).toBe('all')
  })
})

describe('errors', () => {
  it("with problems: 'forward' the scope's error handler gets them as FhirAuthError", async () => {
    const seen: unknown[] = []
    const app = await ready((app) => {
      app.setErrorHandler((error: unknown, _request, reply) => {
        seen.push(error)
        return reply.code(418).send('mine')
      })
      app.register(smartLaunch, { ...launchOptions('http://127.0.0.1:1'), problems: 'forward' })
      app.get('/', { preHandler: requireFhir({}, { problems: 'forward' }) }, async () => 'in')
    })
    expect((await app.inject('/callback')).body).toBe('mine')
    expect((await app.inject('/')).body).toBe('mine')
    expect(seen.map((error) => error instanceof FhirAuthError && error.code)).toEqual([
      'invalid_callback',
      'login_required',
    ])
  })

  it('without an error handler of the app, Fastify answers a forwarded problem with its status', async () => {
    const app = await ready((app) =>
      app.register(smartLaunch, { ...launchOptions('http://127.0.0.1:1'), problems: 'forward' }),
    )
    expect((await app.inject('/callback')).statusCode).toBe(400)
  })

  it('fhirErrors() of a scope answers what is ours, and leaves the rest as it is to the scope above', async () => {
    const seen: unknown[] = []
    const foreign = new RangeError('not ours')
    const app = await ready((app) => {
      app.setErrorHandler((error: unknown, _request, reply) => {
        seen.push(error)
        return reply.code(418).send('mine')
      })
      app.register(async (scope) => {
        scope.setErrorHandler(fhirErrors())
        scope.get('/foreign', async () => {
          throw foreign
        })
        scope.get('/ours', async () => {
          throw new FhirAuthError('session_ended', 'The session has ended.')
        })
      })
    })
    expect((await app.inject('/foreign')).body).toBe('mine')
    expect(seen[0]).toBe(foreign)
    const ours = await app.inject('/ours')
    expect([ours.statusCode, ours.json().code]).toEqual([401, 'session_ended'])
  })

  it('fhirErrors() answers a stream that fails before its first byte; one that fails later is cut off', async () => {
    async function* failAfter(text: string) {
      if (text !== '') yield text
      throw new FhirAuthError('session_ended', 'The session has ended.')
    }
    const app = await ready((app) => {
      app.setErrorHandler(fhirErrors())
      app.get('/at-once', (_request, reply) => reply.send(Readable.from(failAfter(''))))
      app.get('/late', (_request, reply) => reply.send(Readable.from(failAfter('half of'))))
    })
    await expect(app.inject('/late')).rejects.toThrow('destroyed')
    const answer = await app.inject('/at-once')
    expect([answer.statusCode, answer.json().code]).toEqual([401, 'session_ended'])
  })

  it('what is thrown while an answer is applied goes to the error handler, and the process goes on', async () => {
    const seen: unknown[] = []
    const app = await ready((app) => {
      app.addHook('onRequest', async (_request, reply) => {
        reply.headers = () => {
          throw new RangeError('The reply is gone.')
        }
      })
      app.setErrorHandler((error: unknown, _request, reply) => {
        seen.push(error)
        return reply.code(418).send('mine')
      })
      app.register(smartLaunch, launchOptions('http://127.0.0.1:1'))
      app.get('/guarded', { preHandler: requireFhir() }, async () => 'in')
    })
    expect((await app.inject('/login')).statusCode).toBe(418)
    expect((await app.inject('/guarded')).statusCode).toBe(418)
    expect(seen).toEqual([new RangeError('The reply is gone.'), new RangeError('The reply is gone.')])
  })

  it('what nobody expects goes to the error handler, and only for routes that need the token', async () => {
    const fault = new RangeError('the clock is broken')
    const launch = createSmartLaunch(launchOptions('http://127.0.0.1:1'))
    launch.contextFor = () => Promise.reject(fault)
    launch.answer = () => Promise.reject(fault)
    const seen: unknown[] = []
    const app = await ready((app) => {
      app.setErrorHandler((error: unknown, _request, reply) => {
        seen.push(error)
        return reply.code(500).send('broken')
      })
      app.register(smartLaunch, { launch })
      app.get('/public', async () => 'all')
      app.get('/', { preHandler: requireFhir() }, async () => 'in')
    })
    expect((await app.inject('/public')).body).toBe('all')
    expect((await app.inject('/')).body).toBe('broken')
    expect((await app.inject('/login')).body).toBe('broken')
    expect(seen).toEqual([fault, fault])
  })
})

describe('backendServices', () => {
  it('serves the JWKS and puts a system token in the request', async () => {
    const keys = await createKeys()
    const { origin } = await start((app, origin) => {
      sandbox.registerClient({ clientId: 'job', jwksUrl: `${origin}/.well-known/jwks.json` })
      app.register(backendServices, backendOptions(keys))
      app.get(
        '/patients',
        { preHandler: requireFhir({ scope: 'system/Patient.rs', visitor: 'unchecked' }) },
        async (request) => (await fhirOf(request).fetch('Patient')).json(),
      )
    })
    const jwks = await (await fetch(`${origin}/.well-known/jwks.json`)).json()
    expect(jwks).toEqual({ keys: [expect.not.objectContaining({ d: expect.anything() })] })
    expect(await (await fetch(`${origin}/patients`)).json()).toMatchObject({ resourceType: 'Bundle' })
  })

  it('lets a token request end when the app is closed', async () => {
    sandbox.registerClient({ clientId: 'job', jwksUrl: 'http://127.0.0.1:1/jwks.json' })
    const backend = createBackendServices(backendOptions(await createKeys()))
    const app = await ready((app) => app.register(backendServices, { backend }))
    sandbox.fault({ at: 'token', kind: 'slow', seconds: 0.3, times: 1 })
    onTestFinished(() => sandbox.clearFaults())
    let isOver = false
    const job = Promise.resolve(backend.context()).finally(() => {
      isOver = true
    })
    job.catch(() => {}) // nobody serves its JWKS: only the end of the request counts here
    await app.close()
    expect(isOver).toBe(true)
  })

  it('never gives a person the rights of the system', async () => {
    const backend = createBackendServices(backendOptions(await createKeys()))
    const app = await ready((app) => {
      app.register(smartLaunch, launchOptions('http://127.0.0.1:1'))
      app.register(backendServices, { backend })
      app.get('/', { preHandler: requireFhir() }, async () => 'in')
    })
    expect((await app.inject('/')).json()).toMatchObject({ status: 401, code: 'login_required' })
  })
})

/** An app on a port of its own, told its origin before it is built. */
async function start(
  build: (app: FastifyInstance, origin: string) => void,
  options: FastifyServerOptions = {},
): Promise<{ origin: string }> {
  const { origin, close } = await startNodeApp(async (origin) => {
    const app: FastifyInstance = Fastify(options)
    build(app, origin)
    await app.ready()
    return { listener: app.routing, close: () => app.close() }
  })
  onTestFinished(close)
  return { origin }
}

async function ready(
  build: (app: FastifyInstance) => unknown,
  options: FastifyServerOptions = {},
): Promise<FastifyInstance> {
  const app: FastifyInstance = Fastify(options)
  onTestFinished(() => app.close())
  build(app)
  await app.ready()
  return app
}

function launchOptions(origin: string, folder = '', clientId = 'portal'): SmartLaunchOptions {
  const redirectUri = `${origin}${folder}/callback`
  sandbox.registerClient({ clientId, redirectUris: [redirectUri] })
  return {
    fhirBaseUrl: sandbox.fhirBaseUrl,
    clientId,
    redirectUri,
    scope: 'openid fhirUser launch/patient patient/*.rs',
    session: { secret: SECRET, cookieName: `fhir-auth.${clientId}` },
  }
}

function backendOptions(keys: Awaited<ReturnType<typeof createKeys>>) {
  return { fhirBaseUrl: sandbox.fhirBaseUrl, clientId: 'job', keys, scope: 'system/Patient.rs' }
}

function createKeys() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  return loadKeySet(privateKey.export({ type: 'pkcs8', format: 'pem' }))
}
