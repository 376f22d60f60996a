import { createUserAgent, type RecordedRequest, type SandboxOptions } from '@fhir-auth/sandbox'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import {
  type BackendServices,
  clientSecretBasic,
  createBackendServices,
  createSmartLaunch,
  type IntelichartOptions,
  intelichart,
  loadKeySet,
  privateKeyJwt,
} from '../src/index.ts'
import { startCoreApp } from './support/core-app.ts'
import { startServer } from './support/http-server.ts'
import { startSandbox } from './support/registered-client.ts'
import { ecJwk, rsaJwk } from './support/signing-jwks.ts'

// Characters that a form-encoded header would change: the vendor wants id and secret as they are.
const SECRET = 'p+ss/word:%=&~'
const raw = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

const CODE_EXCHANGE = ['audience', 'client_id', 'code', 'code_verifier', 'grant_type', 'redirect_uri']
const CLIENT_CREDENTIALS = ['client_assertion', 'client_assertion_type', 'grant_type', 'scope']
const DOCUMENTED_CLAIMS = ['accessTokensExpireIn', 'iat', 'iss', 'jwks_url', 'sub']
const ALL_CLAIMS = [...DOCUMENTED_CLAIMS, 'aud', 'exp', 'jti'].sort()

/** A portal with a client secret, at an InteliChart server. */
async function startPortal(options: SandboxOptions = {}, dialectOf = (_issuer: string) => intelichart()) {
  const sandbox = await startSandbox({ mode: 'intelichart', consent: 'auto', ...options })
  const app = await startCoreApp(
    (origin) => {
      const redirectUri = `${origin}/callback`
      sandbox.registerClient({ clientId: 'portal', clientSecret: SECRET, redirectUris: [redirectUri] })
      return createSmartLaunch({
        ...{ fhirBaseUrl: sandbox.fhirBaseUrl, clientId: 'portal', redirectUri, dialect: dialectOf(sandbox.issuer) },
        scope: 'openid fhirUser launch/patient patient/*.rs offline_access',
        clientAuth: clientSecretBasic(SECRET),
        session: { secret: crypto.randomUUID() },
      })
    },
    async (fhir) => ({
      patient: fhir?.patient,
      livesSeconds: ((fhir?.expiresAt ?? 0) - Date.now()) / 1000,
      status: (await fhir?.fetch('Patient'))?.status,
    }),
  )
  const logIn = (browser = createUserAgent()) => browser.signIn(`${app.origin}/login`)
  return { sandbox, origin: app.origin, logIn, tokenRequests: () => sandbox.requestsTo('/token') }
}

/** A job that signs, with its JWKS hosted by itself. */
async function startJob(server: { fhirBaseUrl: string } | SandboxOptions, options: IntelichartOptions = {}) {
  const sandbox = 'fhirBaseUrl' in server ? undefined : await startSandbox({ mode: 'intelichart', ...server })
  const fhirBaseUrl = 'fhirBaseUrl' in server ? server.fhirBaseUrl : (sandbox?.fhirBaseUrl ?? '')
  const keys = await loadKeySet(rsaJwk())
  const { origin, handler } = await startCoreApp(
    (appOrigin) => {
      const jwksUrl = `${appOrigin}/.well-known/jwks.json`
      sandbox?.registerClient({ clientId: 'job', jwksUrl })
      const dialect = intelichart({ jwksUrl, ...options })
      return createBackendServices({ fhirBaseUrl, clientId: 'job', dialect, keys, scope: 'system/Patient.rs' })
    },
    () => null,
  )
  return { sandbox, backend: handler as BackendServices, keys, jwksUrl: `${origin}/.well-known/jwks.json` }
}

function partsOf(request: { form: URLSearchParams } | undefined) {
  const [header = '', payload = ''] = (request?.form.get('client_assertion') ?? '').split('.')
  const decode = (part: string): Record<string, unknown> => JSON.parse(Buffer.from(part, 'base64url').toString())
  return { header: decode(header), payload: decode(payload) }
}
const namesOf = (request: RecordedRequest | undefined) => [...(request?.form.keys() ?? [])].sort()
const sorted = (object: object) => Object.keys(object).sort()

/** A token endpoint that checks what the vendor's page lists, and nothing else. */
async function startLiteralServer(keysOf: () => { keys: object[] }, registered: () => string) {
  const server = await startServer(async (request, response) => {
    if (!request.url.startsWith('/token')) {
      const configuration = { token_endpoint: `${server.origin}/token` }
      return void response.end(request.url.endsWith('smart-configuration') ? JSON.stringify(configuration) : '{}')
    }
    const jwks = createLocalJWKSet(keysOf() as Parameters<typeof createLocalJWKSet>[0])
    const { payload } = await jwtVerify(request.form.get('client_assertion') ?? '', jwks)
    const isRight =
      payload.iss === 'job' &&
      payload.sub === 'job' &&
      payload.jwks_url === registered() &&
      typeof payload.iat === 'number'
    response.writeHead(isRight ? 200 : 401).end(JSON.stringify({ access_token: 'granted' }))
  })
  return server
}

describe('1. the code exchange', () => {
  it('has the raw Basic header and exactly six parameters, audience being the FHIR base URL; no client_secret', async () => {
    const { sandbox, origin, logIn, tokenRequests } = await startPortal()
    expect((await logIn()).status).toBe(200)
    const [exchange, ...others] = tokenRequests()
    expect(others).toEqual([])
    expect(exchange).toMatchObject({ method: 'POST', url: '/token', host: 'auth', status: 200 })
    expect(exchange?.headers.authorization).toBe(raw('portal', SECRET))
    expect(exchange?.headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect(namesOf(exchange)).toEqual(CODE_EXCHANGE)
    expect(exchange?.form.get('audience')).toBe(sandbox.fhirBaseUrl)
    expect(exchange?.form.get('client_id')).toBe('portal')
    expect(exchange?.form.get('redirect_uri')).toBe(`${origin}/callback`)
    expect(exchange?.form.get('grant_type')).toBe('authorization_code')
    expect(exchange?.body).not.toContain('client_secret')
  })

  it('sends an audience to the letter where the vendor registered another one', async () => {
    const { logIn, tokenRequests } = await startPortal({}, () => intelichart({ audience: 'https://other.example/' }))
    await logIn()
    expect(tokenRequests()[0]?.form.get('audience')).toBe('https://other.example/')
  })

  it('asks for authorization with state, PKCE S256 and aud beside what the page lists', async () => {
    const { sandbox, logIn } = await startPortal()
    await logIn()
    const [request] = sandbox.requestsTo('/authorize')
    expect([...(request?.query.keys() ?? [])].sort()).toEqual(
      [
        ...['aud', 'client_id', 'code_challenge', 'code_challenge_method', 'nonce'],
        ...['redirect_uri', 'response_type', 'scope', 'state'],
      ].sort(),
    )
  })

  it('refreshes with the same header and no audience', async () => {
    const { sandbox, logIn, tokenRequests, origin } = await startPortal()
    const browser = createUserAgent()
    await logIn(browser)
    sandbox.fault({ at: 'fhir', kind: 'status', status: 401, times: 1 })
    expect(await (await browser.request(origin)).json()).toMatchObject({ status: 200 })
    const refresh = tokenRequests()[1]
    expect(refresh?.headers.authorization).toBe(raw('portal', SECRET))
    expect(namesOf(refresh)).toEqual(['client_id', 'grant_type', 'refresh_token'])
  })
})

describe('2. the callback', () => {
  it('ignores scope, scopes and session_state', async () => {
    const { sandbox, logIn, tokenRequests } = await startPortal()
    const patch = (params: URLSearchParams) => params.set('scopes', 'system/*.cruds')
    sandbox.fault({ at: 'callback', kind: 'callback', patch })
    const browser = createUserAgent()
    const response = await logIn(browser)
    expect(await response.json()).toMatchObject({ patient: sandbox.patients[0]?.id, status: 200 })
    const callback = browser.history.find(({ url }) => url.includes('/callback?'))
    for (const name of ['scope', 'scopes', 'session_state']) {
      expect(new URL(callback?.url ?? '').searchParams.has(name)).toBe(true)
    }
    expect(tokenRequests()).toHaveLength(1)
  })

  it('fails without state, with no token request', async () => {
    const { sandbox, logIn, tokenRequests } = await startPortal()
    sandbox.fault({ at: 'callback', kind: 'callback', patch: (params) => params.delete('state') })
    const response = await logIn()
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('The login did not finish')
    expect(tokenRequests()).toEqual([])
  })
})

describe('3. client credentials', () => {
  it('has exactly four parameters, the header exactly alg, kid and typ, the payload exactly the superset', async () => {
    const { sandbox, backend, keys, jwksUrl } = await startJob({})
    const fhir = await backend.context()
    expect((await fhir.fetch('Patient')).status).toBe(200)
    const [request, ...others] = sandbox?.requestsTo('/token') ?? []
    expect(others).toEqual([])
    expect(namesOf(request)).toEqual(CLIENT_CREDENTIALS)
    expect(request?.headers).not.toHaveProperty('authorization')
    expect(request?.form.get('grant_type')).toBe('client_credentials')
    expect(request?.form.get('scope')).toBe('system/Patient.rs')
    const { header, payload } = partsOf(request)
    expect(sorted(header)).toEqual(['alg', 'kid', 'typ'])
    expect(header).toEqual({ alg: 'RS384', kid: keys.publicJwks().keys[0]?.kid, typ: 'JWT' })
    expect(sorted(payload)).toEqual(ALL_CLAIMS)
    expect([payload.iss, payload.sub, payload.aud]).toEqual(['job', 'job', `${sandbox?.issuer}/token`])
    expect(payload.jwks_url).toBe(jwksUrl)
    expect(payload.accessTokensExpireIn).toBe(5)
    expect(Number.isInteger(payload.iat)).toBe(true)
    expect(Math.abs(Number(payload.iat) - (request?.time ?? 0) / 1000)).toBeLessThan(5)
    expect(Number(payload.exp) - Number(payload.iat)).toBeLessThanOrEqual(300)
  })

  it('signs each request anew: two tokens, two jti', async () => {
    const { sandbox, backend } = await startJob({})
    await backend.context()
    await backend.context({ scope: 'system/Group.rs' })
    const ids = sandbox?.requestsTo('/token').map((request) => partsOf(request).payload.jti)
    expect(ids).toHaveLength(2)
    expect(new Set(ids).size).toBe(2)
  })

  it('asks for as many minutes as configured, a whole number, and the token lives that long', async () => {
    const { sandbox, backend } = await startJob({}, { accessTokensExpireInMinutes: 12 })
    const { expiresAt } = await backend.context()
    const { payload } = partsOf(sandbox?.requestsTo('/token')[0])
    expect(payload.accessTokensExpireIn).toBe(12)
    expect(Math.round((expiresAt - Date.now()) / 60_000)).toBe(12)
    // What a token may live is no reason for an assertion to live longer.
    expect(Number(payload.exp) - Number(payload.iat)).toBeLessThanOrEqual(300)
  })
})

describe('4. one assertion for both kinds of server', () => {
  it('a strict SMART server, the strict InteliChart one and a literal reading of the page accept the same claims', async () => {
    let literalJob: Awaited<ReturnType<typeof startJob>> | undefined
    const literal = await startLiteralServer(
      () => literalJob?.keys.publicJwks() ?? { keys: [] },
      () => literalJob?.jwksUrl ?? '',
    )
    literalJob = await startJob({ fhirBaseUrl: literal.origin })
    const strict = await startJob({ mode: 'smart' })
    const vendor = await startJob({ mode: 'intelichart' })
    for (const { backend } of [literalJob, strict, vendor]) {
      expect((await backend.context()).accessToken).not.toBe('')
    }
    const requests = [
      strict.sandbox?.requestsTo('/token')[0],
      vendor.sandbox?.requestsTo('/token')[0],
      literal.requests.find(({ url }) => url === '/token'),
    ]
    for (const request of requests) {
      const { header, payload } = partsOf(request)
      expect([sorted(header), sorted(payload)]).toEqual([['alg', 'kid', 'typ'], ALL_CLAIMS])
    }
  })
})

describe('5. the token response', () => {
  it('{"access_token": …} alone is usable in a login, and lives five minutes at most', async () => {
    const { sandbox, logIn } = await startPortal()
    const patch = ({ access_token }: Record<string, unknown>) => ({ access_token })
    sandbox.fault({ at: 'token', kind: 'json', patch })
    const seen = (await (await logIn()).json()) as { livesSeconds: number; status: number; patient?: string }
    expect(seen.status).toBe(200)
    expect(seen.livesSeconds).toBeGreaterThan(200)
    expect(seen.livesSeconds).toBeLessThanOrEqual(300)
    expect(seen).not.toHaveProperty('patient')
  })

  it('{"access_token": …} alone is usable for a job, which trusts it no longer than it asked for', async () => {
    const { sandbox, backend } = await startJob({}, { accessTokensExpireInMinutes: 2 })
    const patch = ({ access_token }: Record<string, unknown>) => ({ access_token })
    sandbox?.fault({ at: 'token', kind: 'json', patch })
    const fhir = await backend.context()
    expect((await fhir.fetch('Patient')).status).toBe(200)
    expect(fhir.expiresAt - Date.now()).toBeLessThanOrEqual(120_000)
    expect(fhir.scope.covers('system/Patient.rs')).toBe(true)
  })

  it('a missing jwksUrl is an error when the factory is called, for a job and for a login that signs', async () => {
    const keys = await loadKeySet(ecJwk())
    const fhirBaseUrl = 'https://fhirapi.example.com'
    const refused = expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining('jwksUrl') })
    const dialect = intelichart()
    expect(() =>
      createBackendServices({ fhirBaseUrl, clientId: 'job', dialect, keys, scope: 'system/Patient.rs' }),
    ).toThrow(refused)
    expect(() =>
      createSmartLaunch({
        ...{ fhirBaseUrl, clientId: 'portal', dialect, clientAuth: privateKeyJwt(keys), scope: 'openid' },
        redirectUri: 'https://portal.example.com/callback',
        session: { secret: crypto.randomUUID() },
      }),
    ).toThrow(refused)
  })

  it.each([
    [{ jwksUrl: 'http://jobs.example.com/jwks.json' }, 'insecure_url'],
    [{ jwksUrl: 'jobs.example.com/jwks.json' }, 'insecure_url'],
    [{ issuer: 'http://fhirauth.example.com' }, 'insecure_url'],
    [{ accessTokensExpireInMinutes: 0 }, 'invalid_option'],
    [{ accessTokensExpireInMinutes: 2.5 }, 'invalid_option'],
    [{ accessTokensExpireInMinutes: Number.NaN }, 'invalid_option'],
    [{ jwksURL: 'https://jobs.example.com/jwks.json' }, 'invalid_option'],
  ])('options that cannot be right are refused at once: %j', (options, code) => {
    expect(() => intelichart(options as IntelichartOptions)).toThrow(expect.objectContaining({ code }))
  })
})

describe('6. omitClaims', () => {
  it("['aud', 'exp', 'jti'] leaves exactly the five documented claims, which a literal server accepts", async () => {
    let job: Awaited<ReturnType<typeof startJob>> | undefined
    const literal = await startLiteralServer(
      () => job?.keys.publicJwks() ?? { keys: [] },
      () => job?.jwksUrl ?? '',
    )
    job = await startJob({ fhirBaseUrl: literal.origin }, { omitClaims: ['aud', 'exp', 'jti'] })
    expect((await job.backend.context()).accessToken).toBe('granted')
    const { header, payload } = partsOf(literal.requests.find(({ url }) => url === '/token'))
    expect(sorted(payload)).toEqual(DOCUMENTED_CLAIMS)
    expect(sorted(header)).toEqual(['alg', 'kid', 'typ'])
  })
})

describe('discovery', () => {
  it('works by the smart-configuration of the FHIR API, whose issuer confirms itself', async () => {
    const { sandbox, logIn } = await startPortal()
    expect((await logIn()).status).toBe(200)
    expect(sandbox.requestsTo('/.well-known/smart-configuration')).toHaveLength(1)
    // The issuer is another host, and says itself that it is the one.
    expect(sandbox.requestsTo('/.well-known/openid-configuration')).toHaveLength(1)
    expect(sandbox.requestsTo('/metadata')).toEqual([])
  })

  it('works by the openid-configuration of the authorization host, for a login and for a job', async () => {
    const withIssuer = (issuer: string) => intelichart({ issuer })
    const { sandbox, logIn } = await startPortal({ smartConfiguration: false }, withIssuer)
    expect((await logIn()).status).toBe(200)
    expect(sandbox.requestsTo('/.well-known/openid-configuration')).toMatchObject([{ host: 'auth', status: 200 }])

    const bare = await startSandbox({ mode: 'intelichart', smartConfiguration: false })
    const keys = await loadKeySet(ecJwk())
    const { handler } = await startCoreApp(
      (origin) => {
        const jwksUrl = `${origin}/.well-known/jwks.json`
        bare.registerClient({ clientId: 'job', jwksUrl })
        const dialect = intelichart({ jwksUrl, issuer: bare.issuer })
        const { fhirBaseUrl } = bare
        return createBackendServices({ fhirBaseUrl, clientId: 'job', dialect, keys, scope: 'system/Patient.rs' })
      },
      () => null,
    )
    const fhir = await (handler as BackendServices).context()
    expect((await fhir.fetch('Patient')).status).toBe(200)
    expect(bare.requestsTo('/.well-known/openid-configuration')).toHaveLength(1)
  })

  it('works by the CapabilityStatement where neither document is there', async () => {
    const { backend, sandbox } = await startJob({ smartConfiguration: false })
    expect((await (await backend.context()).fetch('Patient')).status).toBe(200)
    expect(sandbox?.requestsTo('/metadata')).toHaveLength(1)
  })
})
