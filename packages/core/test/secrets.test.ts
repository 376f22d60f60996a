import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { inspect } from 'node:util'
import { createSandbox, createUserAgent, type Sandbox, type SandboxFault, type UserAgent } from '@fhir-auth/sandbox'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Answer, FhirHandler } from '../src/adapter.ts'
import {
  type ClientAuth,
  clientSecretBasic,
  clientSecretPost,
  createBackendServices,
  createSmartLaunch,
  type FhirContext,
  type KeySet,
  loadKeySet,
  privateKeyJwt,
  publicClient,
} from '../src/index.ts'
import { startCoreApp } from './support/core-app.ts'
import { type SeenRequest, startServer } from './support/http-server.ts'
import { createMapStore } from './support/map-store.ts'
import { registeredClient } from './support/registered-client.ts'
import { rsaJwk } from './support/signing-jwks.ts'

// With characters that the three ways to write it in a request spell differently.
const CLIENT_SECRET = `c!ient's (secret) ~*+/=% ${crypto.randomUUID()}`
const SESSION_SECRET = `session-secret-${crypto.randomUUID()}`
const PRIVATE_JWK = { ...rsaJwk(), alg: 'RS384', kid: 'key-1' }
const SCOPE = 'openid fhirUser launch/patient patient/*.rs offline_access'

// Short-lived tokens, so that a small step of the clock calls for a refresh and spoils no assertion.
const TOKEN_SECONDS = 8
let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await createSandbox({ consent: 'auto', accessTokenSeconds: TOKEN_SECONDS })
})
afterEach(() => {
  sandbox.clearFaults()
  sandbox.clearRequests()
})
afterAll(() => sandbox.close())

const METHODS: Record<string, (keys: KeySet) => ClientAuth> = {
  client_secret_basic: () => clientSecretBasic(CLIENT_SECRET),
  'client_secret_basic of RFC 6749': () => clientSecretBasic(CLIENT_SECRET, { encoding: 'rfc6749' }),
  client_secret_post: () => clientSecretPost(CLIENT_SECRET),
  private_key_jwt: privateKeyJwt,
  'no secret': publicClient,
}

/** The secrets of a flow, by what they are. */
class Secrets {
  readonly #known = new Map<string, string>()

  constructor() {
    this.add('client secret', CLIENT_SECRET)
    this.add('session secret', SESSION_SECRET)
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const) {
      this.add(`private key member ${member}`, PRIVATE_JWK[member])
    }
  }

  add(name: string, value: unknown): void {
    if (typeof value !== 'string' || value === '') return
    for (const spelling of [value, encodeURIComponent(value), new URLSearchParams({ x: value }).toString().slice(2)]) {
      this.#known.set(spelling, name)
    }
  }

  addRequest({ headers, body }: Pick<SeenRequest, 'headers' | 'body'>): void {
    this.add('Authorization header', headers.authorization?.split(' ')[1])
    const form = new URLSearchParams(body)
    for (const name of ['code', 'code_verifier', 'refresh_token', 'client_assertion', 'client_secret', 'token']) {
      this.add(name, form.get(name))
    }
  }

  addTokens(body: string): void {
    for (const [, name, value] of body.matchAll(/"(access_token|refresh_token|id_token)":"([^"]+)"/g)) {
      this.add(name ?? '', value)
    }
  }

  addSession({ cookies }: UserAgent): void {
    this.add('session id', cookies.find(({ name }) => name === 'fhir-auth.session')?.value)
  }

  names(): string[] {
    return [...new Set(this.#known.values())]
  }

  /** What of them stands in the text. */
  in(text: string): string[] {
    return [...new Set([...this.#known].filter(([value]) => text.includes(value)).map(([, name]) => name))]
  }
}

/** Every way in which an object may end up in a log. */
function written(value: unknown): string {
  const parts = [inspect(value, { depth: Infinity, showHidden: true, maxStringLength: null }), String(value)]
  parts.push(JSON.stringify(value) ?? '')
  for (let error = value; error instanceof Error; error = error.cause) {
    parts.push(error.message, error.stack ?? '', JSON.stringify(error), JSON.stringify(Object.values(error)))
  }
  return parts.join('\n')
}

const printed: string[] = []
beforeEach(() => {
  printed.length = 0
  const print = (...values: unknown[]) => void printed.push(values.map((value) => inspect(value)).join(' '))
  for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const) {
    vi.spyOn(console, method).mockImplementation(print)
  }
  vi.spyOn(process, 'emitWarning').mockImplementation(print)
})
afterEach(() => vi.restoreAllMocks())

/** A portal whose answers and failures are kept, and whose token endpoint can be swapped for another server. */
async function startPortal(authName: string, options: { store?: ReturnType<typeof createMapStore> } = {}) {
  const secrets = new Secrets()
  const keys = await loadKeySet(PRIVATE_JWK)
  const clientAuth = METHODS[authName]?.(keys) ?? publicClient()
  const answers: Answer[] = []
  const contexts: FhirContext[] = []
  const world = { offset: 0, tokenEndpoint: undefined as string | undefined, launch: undefined as unknown }
  const send: typeof fetch = async (input, init) => {
    const url = String(input)
    const swapped = world.tokenEndpoint !== undefined && /\/(token|revoke)$/.test(url)
    const headers = Object.fromEntries(new Headers(init?.headers))
    secrets.addRequest({ headers, body: String(init?.body ?? '') })
    const response = await fetch(swapped ? (world.tokenEndpoint ?? '') : url, init)
    if (url.endsWith('/token') && response.ok) secrets.addTokens(await response.clone().text())
    return response
  }
  const app = await startCoreApp(
    (origin): FhirHandler => {
      sandbox.registerClient({
        ...{ clientId: 'portal', redirectUris: [`${origin}/callback`] },
        ...(clientAuth.method === 'private_key_jwt' && { jwks: keys.publicJwks() }),
        ...(clientAuth.method.startsWith('client_secret') && { clientSecret: CLIENT_SECRET }),
      })
      const launch = createSmartLaunch({
        ...{ fhirBaseUrl: sandbox.fhirBaseUrl, clientId: 'portal', redirectUri: `${origin}/callback`, scope: SCOPE },
        ...{ clientAuth, session: { secret: SESSION_SECRET, store: options.store }, fetch: send, timeoutSeconds: 2 },
        now: () => Date.now() + world.offset,
      })
      world.launch = launch
      const answer: FhirHandler['answer'] = async (request) => {
        const given = await launch.answer(request)
        answers.push(given)
        return given
      }
      return {
        ...{ kind: launch.kind, paths: launch.paths, answer },
        handles: (url) => launch.handles(url),
        contextFor: (request) => launch.contextFor(request),
      }
    },
    (fhir) => void (fhir && contexts.push(fhir)),
  )
  /** Everything that could be seen, but for cookies; the launch handle belongs in one redirect. */
  const seen = () => {
    const shown = answers.map(({ cookies: _cookies, ...rest }) => {
      const headers = { ...rest.headers }
      const isToServer = headers.location?.startsWith(`${sandbox.issuer}/authorize?`)
      if (isToServer) delete headers.location
      const location = isToServer ? {} : 'location' in rest ? { location: rest.location } : {}
      const error = 'error' in rest ? written(rest.error) : ''
      return [rest.status, JSON.stringify({ headers, ...location }), rest.body, error].join('\n')
    })
    const failures = app.failures.map(written)
    return [
      ...shown,
      ...failures,
      ...printed,
      written(world.launch),
      written(contexts),
      written(clientAuth),
      written(keys),
    ]
  }
  return { secrets, answers, contexts, failures: app.failures, origin: app.origin, world, seen }
}

type Portal = Awaited<ReturnType<typeof startPortal>>

/** Opens the app, from the EHR or by itself, and remembers what only browser and server know. */
async function logIn(portal: Portal, fromEhr = false): Promise<UserAgent> {
  const { origin, secrets } = portal
  const browser = createUserAgent()
  if (fromEhr) {
    const url = sandbox.ehrLaunch({ launchUrl: `${origin}/launch`, patient: sandbox.patients[0]?.id ?? '' })
    secrets.add('launch handle', new URL(url).searchParams.get('launch'))
    await browser.signIn(url)
  } else await browser.signIn(`${origin}/login`)
  const callback = browser.history.find(({ url }) => url.includes('/callback?'))
  secrets.add('code', callback && new URL(callback.url).searchParams.get('code'))
  secrets.addSession(browser)
  return browser
}

function expectClean({ secrets, seen }: Pick<Portal, 'secrets' | 'seen'>): void {
  expect(secrets.in(seen().join('\n'))).toEqual([])
}

describe.each(Object.keys(METHODS))('a whole login with %s', (method) => {
  it('ERR-06 nothing that can be seen of login, requests, refresh and logout holds a secret of theirs', async () => {
    const portal = await startPortal(method)
    const { origin, secrets, world, contexts } = portal
    const browser = await logIn(portal, true)
    world.offset = TOKEN_SECONDS * 1000 + 500
    expect((await browser.request(origin)).status).toBe(200)
    expect((await contexts.at(-1)?.fetch('Patient'))?.status).toBe(200)
    expect((await browser.request(`${origin}/logout`, { method: 'POST', headers: { origin } })).status).toBe(303)
    expect((await browser.request(origin)).status).toBe(401)

    expect(sandbox.requestsTo('/token').map(({ status }) => status)).toEqual([200, 200])
    expect(secrets.names()).toEqual(
      expect.arrayContaining([
        'code',
        'code_verifier',
        'access_token',
        'refresh_token',
        'id_token',
        'session id',
        'launch handle',
      ]),
    )
    expectClean(portal)
  })
})

describe('a shared store', () => {
  it('ERR-06 RFR-09 learns no secret: neither from keys nor from values', async () => {
    const store = createMapStore()
    const portal = await startPortal('client_secret_basic', { store })
    const browser = await logIn(portal)
    portal.world.offset = TOKEN_SECONDS * 1000 + 500
    expect((await browser.request(portal.origin)).status).toBe(200)
    expect(store.calls.length).toBeGreaterThan(3)
    expect(portal.secrets.in(JSON.stringify(store.calls))).toEqual([])
  })
})

const bySandbox: Record<string, () => SandboxFault> = {
  'the token endpoint fails': () => ({ at: 'token', kind: 'status', status: 500, body: 'down' }),
  'the token endpoint is busy': () => ({ at: 'token', kind: 'status', status: 503, headers: { 'retry-after': '3' } }),
  'the token endpoint answers with a web page': () => ({ at: 'token', kind: 'html' }),
  'the token endpoint cuts the connection': () => ({ at: 'token', kind: 'reset' }),
  'the token endpoint does not answer': () => ({ at: 'token', kind: 'slow', seconds: 20 }),
  'the token endpoint never ends': () => ({ at: 'token', kind: 'endless' }),
  'the token endpoint redirects': () => ({
    at: 'token',
    kind: 'redirect',
    location: 'https://evil.example/',
    status: 307,
  }),
  'the token type is another one': () => ({
    at: 'token',
    kind: 'json',
    patch: (body) => ({ ...body, token_type: body.access_token }),
  }),
  'the access token cannot be sent': () => ({
    at: 'token',
    kind: 'json',
    patch: (body) => ({ ...body, access_token: `${body.access_token}\n` }),
  }),
  'the id_token is of another issuer': () => ({
    ...{ at: 'token', kind: 'json' },
    patch: async (body: object) => ({
      ...body,
      id_token: await sandbox.signIdToken({ iss: 'https://evil.example', aud: 'portal' }),
    }),
  }),
  'the id_token is no JWT': () => ({
    at: 'token',
    kind: 'json',
    patch: (body) => ({ ...body, id_token: body.access_token }),
  }),
  'the keys are not served': () => ({ at: 'jwks', kind: 'status', status: 500 }),
  'the callback has another state': () => ({
    at: 'callback',
    kind: 'callback',
    patch: (params) => params.set('state', 'other'),
  }),
  'the callback has another issuer': () => ({
    at: 'callback',
    kind: 'callback',
    patch: (params) => params.set('iss', `https://evil.example/`),
  }),
  'the callback has its code twice': () => ({
    at: 'callback',
    kind: 'callback',
    patch: (params) => params.append('code', params.get('code') ?? ''),
  }),
}

describe('a login that fails', () => {
  it.each(Object.entries(bySandbox))('ERR-06 shows no secret where %s', async (_name, faultOf) => {
    const portal = await startPortal('client_secret_post')
    sandbox.fault(faultOf())
    await logIn(portal)
    expect(portal.answers.at(-1)).toMatchObject({ kind: 'problem' })
    expect(portal.secrets.names()).toContain('code')
    expectClean(portal)
  })
})

/** Servers that send back all that they were sent, each in its own way. */
const echoes: Record<
  string,
  (echo: string, request: SeenRequest) => { status: number; body: string; headers?: object }
> = {
  'in an OAuth error': (echo) => ({
    status: 400,
    body: JSON.stringify({
      error: 'invalid_request',
      error_description: echo,
      error_uri: `https://e.example/?${echo}`,
    }),
  }),
  'as the OAuth error itself': (echo) => ({ status: 401, body: JSON.stringify({ error: echo }) }),
  'parameter by parameter': (_echo, { form }) => ({
    status: 400,
    body: JSON.stringify({
      error: 'invalid_grant',
      error_description: [...form].map((pair) => pair.join('=')).join(', '),
    }),
  }),
  'on a web page': (echo) => ({ status: 500, body: `<html>${echo}</html>` }),
  'as plain text with 200': (echo) => ({ status: 200, body: echo }),
  'as JSON with 200': (echo) => ({ status: 200, body: JSON.stringify({ error: 'x', error_description: echo }) }),
  'as token type': (_echo, { headers, form }) => ({
    status: 200,
    body: JSON.stringify({ access_token: 'the-token', token_type: headers.authorization ?? form.get('client_secret') }),
  }),
  'as id_token': (echo) => ({
    status: 200,
    body: JSON.stringify({ access_token: 'the-token', token_type: 'bearer', id_token: echo }),
  }),
  'in a redirect': (_echo, { form }) => ({
    status: 302,
    body: '',
    headers: { location: `https://e.example/?${form}` },
  }),
}

async function startEcho(name: string): Promise<string> {
  const { origin } = await startServer((request, response) => {
    const lines = Object.entries(request.headers).map(([header, value]) => `${header}: ${value}`)
    const answer = echoes[name]?.([...lines, request.body].join('\n'), request)
    response.writeHead(answer?.status ?? 500, { ...answer?.headers }).end(answer?.body)
  })
  return `${origin}/token`
}

/** Sends each byte back as it came: what it answers is no HTTP. */
async function startByteEcho(): Promise<string> {
  const server = createTcpServer((socket) => void socket.on('error', () => {}).pipe(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`
}

describe.each(Object.keys(METHODS))('a server that sends back what it got, from a client with %s', (method) => {
  it.each(Object.keys(echoes))('ERR-06 shows no secret of a login %s', async (echo) => {
    const portal = await startPortal(method)
    portal.world.tokenEndpoint = await startEcho(echo)
    await logIn(portal)
    expect(portal.answers.at(-1)).toMatchObject({ kind: 'problem', status: 502 })
    expectClean(portal)
  })

  it.each(Object.keys(echoes))('ERR-06 shows no secret of a refresh, nor of a logout, %s', async (echo) => {
    const portal = await startPortal(method)
    const browser = await logIn(portal)
    portal.world.tokenEndpoint = await startEcho(echo)
    portal.world.offset = TOKEN_SECONDS * 1000 + 500
    await browser.request(portal.origin)
    expectClean(portal)
    await browser.request(`${portal.origin}/logout`, { method: 'POST', headers: { origin: portal.origin } })
    expectClean(portal)
  })

  it('ERR-06 shows no secret where the answer is not even HTTP', async () => {
    const portal = await startPortal(method)
    portal.world.tokenEndpoint = await startByteEcho()
    await logIn(portal)
    expect(portal.answers.at(-1)).toMatchObject({ kind: 'problem', status: 502 })
    expectClean(portal)
  })
})

describe('a backend service', () => {
  async function startBackend(method: string) {
    const keys = await loadKeySet(PRIVATE_JWK)
    const clientAuth = METHODS[method]?.(keys) ?? publicClient()
    sandbox.registerClient({
      clientId: 'job',
      ...(method === 'private_key_jwt' ? { jwks: keys.publicJwks() } : { clientSecret: CLIENT_SECRET }),
    })
    const secrets = new Secrets()
    const world = { tokenEndpoint: undefined as string | undefined }
    const backend = createBackendServices({
      ...{ fhirBaseUrl: sandbox.fhirBaseUrl, clientId: 'job', keys, clientAuth, scope: 'system/Patient.rs' },
      fetch: async (input, init) => {
        const url = String(input)
        secrets.addRequest({ headers: Object.fromEntries(new Headers(init?.headers)), body: String(init?.body ?? '') })
        const response = await fetch(url.endsWith('/token') ? (world.tokenEndpoint ?? url) : url, init)
        if (url.endsWith('/token') && response.ok) secrets.addTokens(await response.clone().text())
        return response
      },
    })
    return { keys, clientAuth, secrets, world, backend }
  }
  const request = { method: 'GET', url: '/.well-known/jwks.json', header: () => undefined }

  it.each(['private_key_jwt', 'client_secret_basic', 'client_secret_post'])(
    'ERR-06 with %s, neither it nor its context, its keys or its JWKS shows a secret',
    async (method) => {
      const { backend, keys, clientAuth, secrets } = await startBackend(method)
      const fhir = await backend.context()
      expect((await fhir.fetch('Patient')).status).toBe(200)
      sandbox.fault({ at: 'fhir', kind: 'reset' })
      const failure = await fhir.fetch('Patient').catch((error: unknown) => error)
      const objects = [backend, fhir, fhir.launch, keys, keys.signingKey(), keys.publicJwks(), clientAuth, failure]
      const client = registeredClient({ clientAuth })
      const shown = [...objects, client, backend.answer(request)].map(written)
      expect(secrets.in(fhir.accessToken)).not.toEqual([])
      expect(secrets.in([...shown, ...printed].join('\n'))).toEqual([])
    },
  )

  it.each(Object.keys(echoes))('ERR-06 no failure shows a secret where the server sends it back %s', async (echo) => {
    for (const method of ['private_key_jwt', 'client_secret_basic']) {
      const { backend, secrets, world } = await startBackend(method)
      world.tokenEndpoint = await startEcho(echo)
      const failure = await Promise.resolve(backend.context()).catch((error: unknown) => error)
      // An id_token means nothing to a backend service: that grant is in order.
      if (echo !== 'as id_token') expect(failure).toBeInstanceOf(Error)
      expect(secrets.in([written(failure), written(backend), ...printed].join('\n'))).toEqual([])
    }
  })
})

describe('keys and options that are refused', () => {
  it('ERR-06 a key that cannot be used is not shown', async () => {
    const secrets = new Secrets()
    const damaged = { ...PRIVATE_JWK, n: PRIVATE_JWK.n?.slice(0, 20) }
    const attempts = [damaged, { ...PRIVATE_JWK, alg: 'ES384' }, { ...PRIVATE_JWK, e: '' }, { ...PRIVATE_JWK, p: 'x' }]
    const texts = [
      ...attempts.map((jwk) => JSON.stringify(jwk)),
      `{"d":"${PRIVATE_JWK.d}"`,
      `-----BEGIN X-----${PRIVATE_JWK.d}`,
    ]
    for (const source of [...attempts, ...texts]) {
      const failure = await loadKeySet(source).catch((error: unknown) => error)
      expect(failure).toMatchObject({ code: 'invalid_key' })
      expect(secrets.in(written(failure))).toEqual([])
    }
  })

  it('ERR-06 an option that is refused does not show its secret', async () => {
    const secrets = new Secrets()
    secrets.add('weak session secret', 'only-14-letter')
    const options = {
      ...{ fhirBaseUrl: 'https://ehr.example/fhir', clientId: 'a:b', redirectUri: 'https://app.example/callback' },
      ...{ scope: 'openid', clientAuth: clientSecretBasic(CLIENT_SECRET), session: { secret: SESSION_SECRET } },
    }
    for (const change of [{}, { clientId: '' }, { session: { secret: 'only-14-letter' } }, { scop: CLIENT_SECRET }]) {
      let failure: unknown
      try {
        createSmartLaunch({ ...options, ...change })
      } catch (error) {
        failure = error
      }
      expect(failure).toMatchObject({ code: 'invalid_option' })
      expect(secrets.in(written(failure))).toEqual([])
    }
  })
})
