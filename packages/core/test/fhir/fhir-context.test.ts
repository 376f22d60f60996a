import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { inspect } from 'node:util'
import { createUserAgent } from '@fhir-auth/sandbox'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { FhirContext } from '../../src/fhir/fhir-context.ts'
import type { TokenSource } from '../../src/fhir/fhir-fetch.ts'
import type { FhirGrant } from '../../src/fhir/fhir-grant.ts'
import { isUnderBase } from '../../src/fhir/fhir-target.ts'
import { createSmartLaunch, ScopeSet } from '../../src/index.ts'
import { startCoreApp } from '../support/core-app.ts'
import { type SeenRequest, startServer } from '../support/http-server.ts'
import { startSandbox } from '../support/registered-client.ts'

type RequestBody = NonNullable<RequestInit['body']>

const TOKEN = 'token-of-the-context'

function contextAt(fhirBaseUrl: string, tokens: Partial<TokenSource> = {}, send = globalThis.fetch): FhirContext {
  const grant: FhirGrant = {
    ...{ fhirBaseUrl, accessToken: TOKEN, expiresAt: 1_800_000_000_000, scope: ScopeSet.parse('patient/*.rs') },
    ...{ patient: '1', encounter: undefined, fhirUser: undefined, idToken: undefined, launchId: 'launch-1' },
    launch: Object.freeze({ intent: 'order' }),
  }
  const source = { current: () => TOKEN, replace: async () => undefined, ...tokens }
  return new FhirContext(grant, { tokens: source, send })
}

type Answerer = (request: SeenRequest, response: ServerResponse) => void

/** A FHIR server at `/fhir`, and another server beside it. */
async function startServers(answer: Answerer = (_request, response) => void response.end('{}')) {
  const fhir = await startServer(answer)
  const other = await startServer((_request, response) => void response.end('{"of":"another server"}'))
  return { fhir, other, base: `${fhir.origin}/fhir` }
}
const redirectTo =
  (location: string, status = 302): Answerer =>
  (_request, response) =>
    void response.writeHead(status, { location }).end()
const bearersOf = (requests: SeenRequest[]) => requests.map(({ headers }) => headers.authorization)

describe('where the token goes', () => {
  it.each([
    ['Patient/1', '/fhir/Patient/1'],
    ['Observation?patient=1&category=vital-signs', '/fhir/Observation?patient=1&category=vital-signs'],
    ['?_getpages=abc', '/fhir/?_getpages=abc'],
    ['', '/fhir/'],
    ['./Patient/1', '/fhir/Patient/1'],
    ['Patient/../Group/1', '/fhir/Group/1'],
  ])(
    'RSP-10 RSP-11 a relative URL is relative to the FHIR base, with slash or without, and the token is in its header: %j',
    async (url, path) => {
      for (const slash of ['', '/']) {
        const { fhir, base } = await startServers()
        await contextAt(base + slash).fetch(url)
        expect(fhir.requests).toMatchObject([{ url: path, headers: { authorization: `Bearer ${TOKEN}` } }])
        expect(fhir.requests[0]?.url).not.toContain(TOKEN)
      }
    },
  )

  it('RSP-10 an absolute URL under the FHIR base is taken as text and as URL: a next link, a reference', async () => {
    const { fhir, base } = await startServers()
    await contextAt(base).fetch(`${base}/Patient?page=2`)
    await contextAt(base).fetch(new URL(`${base}/Patient/1`))
    await contextAt(base).fetch(base)
    expect(fhir.requests.map(({ url }) => url)).toEqual(['/fhir/Patient?page=2', '/fhir/Patient/1', '/fhir'])
  })

  it.each([
    ['another origin', (_base: string, evil: string) => `${evil}/fhir/Patient/1`],
    ['a path that begins like the base', (base: string) => `${base}-evil/Patient/1`],
    ['the same in a relative URL', () => '../fhir-evil/Patient/1'],
    ['user information', (base: string) => base.replace('://', '://user:password@')],
    [
      'user information that looks like the host',
      (base: string, evil: string) => `${base}@${new URL(evil).host}/fhir/x`.replace('/fhir@', '@'),
    ],
    ['another port', (base: string) => `${base.replace(/:\d+/, ':1')}/Patient/1`],
    ['another scheme', (base: string) => `${base.replace('http:', 'https:')}/Patient/1`],
    ['..', () => '../admin'],
    ['.. inside', () => 'Patient/../../admin'],
    ['%2e%2e', () => '%2e%2e/admin'],
    ['.%2E', () => 'Patient/.%2E/%2e./admin'],
    ['a path from the root', () => '/admin'],
    ['//host', (_base: string, evil: string) => `//${new URL(evil).host}/fhir/Patient/1`],
    ['backslashes', (_base: string, evil: string) => `\\\\${new URL(evil).host}\\fhir`],
    ['a slash and a backslash', (_base: string, evil: string) => `/\\${new URL(evil).host}/fhir`],
    ['.. with backslashes', () => '..\\admin'],
    ['a tab that the parser drops', (_base: string, evil: string) => `/\t/${new URL(evil).host}/fhir`],
    ['a data URL', () => 'data:text/plain,x'],
    ['a blob URL', (base: string) => `blob:${base}/x`],
    ['a file', () => 'file:///etc/passwd'],
    ['nonsense', () => 'http://[::'],
  ])('RSP-10 RSP-13 is refused before anything is sent: %s', async (_name, urlOf) => {
    const { fhir, other, base } = await startServers()
    const fetched = contextAt(base).fetch(urlOf(base, other.origin))
    await expect(fetched).rejects.toMatchObject({ code: 'url_outside_fhir_base', status: 500 })
    expect([fhir.requests, other.requests]).toEqual([[], []])
  })

  it('RSP-09 RSP-13 a server that authorization_details or a status header names gets no token', async () => {
    const { fhir, other, base } = await startServers(
      (_request, response) => void response.writeHead(202, { 'content-location': `${other.origin}/status/1` }).end(),
    )
    const context = contextAt(base)
    const started = await context.fetch('Group/1/$export', { headers: { prefer: 'respond-async' } })
    const status = started.headers.get('content-location') ?? ''
    await expect(context.fetch(status)).rejects.toMatchObject({ code: 'url_outside_fhir_base' })
    expect([fhir.requests.length, other.requests.length]).toEqual([1, 0])
  })

  it('RSP-10 the message of a refusal has neither query nor user information', async () => {
    const refused = contextAt('https://ehr.example/fhir').fetch('https://me:password@evil.example/x?code=secret')
    await expect(refused).rejects.toThrow('not to https://evil.example/x.')
    await expect(refused).rejects.not.toThrow(/password|secret/)
  })

  it('RSP-10 whatever text it is called with, a request goes below the FHIR base or nowhere', async () => {
    const sent: string[] = []
    const send = (async (url: string) => {
      sent.push(url)
      return new Response('{}')
    }) as typeof fetch
    const piece = fc.constantFrom(
      '..',
      '.',
      '/',
      '\\',
      '%2e',
      '%2f',
      '%5c',
      '//',
      '@',
      ':',
      '?',
      '#',
      'fhir',
      'fhir-evil',
      'ehr.example',
      'evil.example',
      'https:',
      '\t',
      'Patient',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 8 }), async (parts) => {
        sent.length = 0
        await contextAt('https://ehr.example/r4/fhir', {}, send)
          .fetch(parts.join(''))
          .catch(() => {})
        for (const url of sent) expect(url).toMatch(/^https:\/\/ehr\.example\/r4\/fhir(?:\/|$|[?#])/)
      }),
      { numRuns: 2000 },
    )
  })

  it('RSP-10 below the base means below its folder', () => {
    const under = (url: string, base: string) => isUnderBase(new URL(url), base)
    expect(under('https://a/fhir', 'https://a/fhir/')).toBe(true)
    expect(under('https://a/fhir/', 'https://a/fhir')).toBe(true)
    expect(under('https://a/fhirx', 'https://a/fhir')).toBe(false)
    expect(under('https://a/anything', 'https://a')).toBe(true)
    expect(under('https://a:443/fhir/x', 'https://a/fhir')).toBe(true)
    expect(under('http://a/fhir/x', 'https://a/fhir')).toBe(false)
  })
})

describe('redirects', () => {
  it('RSP-10 a redirect to another origin is followed without the token and without the caller’s headers', async () => {
    const { fhir, other, base } = await startServers((request, response) =>
      redirectTo(`${other.origin}/file`)(request, response),
    )
    const response = await contextAt(base).fetch('Binary/1', { headers: { 'x-internal': 'yes', accept: 'image/png' } })
    expect(await response.json()).toEqual({ of: 'another server' })
    expect(bearersOf(fhir.requests)).toEqual([`Bearer ${TOKEN}`])
    expect(other.requests[0]?.headers).toMatchObject({ accept: 'image/png' })
    expect(other.requests[0]?.headers).not.toHaveProperty('authorization')
    expect(other.requests[0]?.headers).not.toHaveProperty('x-internal')
  })

  it('RSP-10 a redirect outside the base on the same host loses the token too, and no later hop gets it back', async () => {
    const { fhir, base } = await startServers((request, response) => {
      if (request.url === '/fhir/start') return redirectTo('/fhir-evil/x')(request, response)
      if (request.url === '/fhir-evil/x') return redirectTo('/fhir/back')(request, response)
      response.end('{}')
    })
    await contextAt(base).fetch('start')
    expect(fhir.requests.map(({ url }) => url)).toEqual(['/fhir/start', '/fhir-evil/x', '/fhir/back'])
    expect(bearersOf(fhir.requests)).toEqual([`Bearer ${TOKEN}`, undefined, undefined])
  })

  it.each([301, 302, 303, 307, 308])(
    'RSP-10 a redirect inside the base keeps token and headers (%i)',
    async (status) => {
      const { fhir, base } = await startServers((request, response) => {
        if (request.url === '/fhir/old') return redirectTo('new', status)(request, response)
        response.end('{}')
      })
      await contextAt(base).fetch('old', { headers: { 'x-internal': 'yes' } })
      expect(bearersOf(fhir.requests)).toEqual([`Bearer ${TOKEN}`, `Bearer ${TOKEN}`])
      expect(fhir.requests[1]).toMatchObject({ url: '/fhir/new', headers: { 'x-internal': 'yes' } })
    },
  )

  it('RSP-10 a loop of redirects ends', async () => {
    const { fhir, base } = await startServers(redirectTo('again'))
    expect((await contextAt(base).fetch('again')).status).toBe(302)
    expect(fhir.requests).toHaveLength(6)
  })

  it('RSP-10 a redirect of a write, or one that the caller wants to see, is not followed', async () => {
    const { fhir, other, base } = await startServers((request, response) =>
      redirectTo(`${other.origin}/x`, 307)(request, response),
    )
    expect((await contextAt(base).fetch('Observation', { method: 'POST', body: '{}' })).status).toBe(307)
    expect((await contextAt(base).fetch('Observation', { redirect: 'manual' })).status).toBe(307)
    await expect(contextAt(base).fetch('Observation', { redirect: 'error' })).rejects.toThrow()
    expect([fhir.requests.length, other.requests.length]).toEqual([3, 0])
  })
})

describe('401 and 403', () => {
  const unauthorized = { 'www-authenticate': 'Bearer error="invalid_token"' }
  const takesOnly =
    (accepted: string): Answerer =>
    (request, response) => {
      if (request.headers.authorization === `Bearer ${accepted}`) response.end('{"resourceType":"Patient"}')
      else response.writeHead(401, unauthorized).end('{"resourceType":"OperationOutcome"}')
    }

  it('ERR-05 after a 401 there is one new token and one replay, with the same method, headers and body', async () => {
    const { fhir, base } = await startServers(takesOnly('newer'))
    const replace = vi.fn(async (_refused: string) => 'newer')
    const init = { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/fhir+json' } }
    expect((await contextAt(base, { replace }).fetch('Observation', init)).status).toBe(200)
    expect(replace.mock.calls).toEqual([[TOKEN]])
    expect(bearersOf(fhir.requests)).toEqual([`Bearer ${TOKEN}`, 'Bearer newer'])
    for (const request of fhir.requests) {
      expect(request).toMatchObject({ method: 'POST', body: '{"a":1}', headers: init.headers })
    }
  })

  it('ERR-05 never a loop: a second 401 is the caller’s', async () => {
    const { fhir, base } = await startServers(takesOnly('never'))
    const replace = vi.fn(async () => 'newer')
    const response = await contextAt(base, { replace }).fetch('Patient/1')
    expect([response.status, await response.json()]).toEqual([401, { resourceType: 'OperationOutcome' }])
    expect([replace.mock.calls.length, fhir.requests.length]).toEqual([1, 2])
  })

  it('ERR-05 without a newer token the 401 is the caller’s, its body unread', async () => {
    const { fhir, base } = await startServers(takesOnly('never'))
    const response = await contextAt(base).fetch('Patient/1')
    expect([response.status, await response.json()]).toEqual([401, { resourceType: 'OperationOutcome' }])
    expect(fhir.requests).toHaveLength(1)
  })

  it('ERR-05 a renewal that fails is the caller’s error', async () => {
    const { base } = await startServers(takesOnly('never'))
    const replace = () => Promise.reject(new Error('no token now'))
    await expect(contextAt(base, { replace }).fetch('Patient/1')).rejects.toThrow('no token now')
  })

  it.each([400, 403, 404, 500])('ERR-05 a %i is not tried again', async (status) => {
    const headers = { 'www-authenticate': 'Bearer error="insufficient_scope"' }
    const { fhir, base } = await startServers((_request, response) => void response.writeHead(status, headers).end())
    const replace = vi.fn(async () => 'newer')
    expect((await contextAt(base, { replace }).fetch('Patient/1')).status).toBe(status)
    expect([replace.mock.calls.length, fhir.requests.length]).toEqual([0, 1])
  })

  it.each<[string, () => RequestBody]>([
    ['a web stream', () => new Blob(['{}']).stream()],
    ['a Node stream', () => Readable.from([Buffer.from('{}')]) as unknown as RequestBody],
  ])('ERR-05 a body that is used up is not sent again: %s', async (_name, bodyOf) => {
    const { fhir, base } = await startServers(takesOnly('newer'))
    const replace = vi.fn(async () => 'newer')
    const init = { method: 'POST', body: bodyOf(), duplex: 'half' as const }
    expect((await contextAt(base, { replace }).fetch('Observation', init)).status).toBe(401)
    expect([replace.mock.calls.length, fhir.requests.length]).toEqual([0, 1])
  })

  it.each<[string, RequestBody]>([
    ['text', 'a=1'],
    ['a form', new URLSearchParams({ a: '1' })],
    ['bytes', new TextEncoder().encode('a=1')],
    ['a blob', new Blob(['a=1'])],
  ])('ERR-05 a body that can be sent again is: %s', async (_name, body) => {
    const { fhir, base } = await startServers(takesOnly('newer'))
    await contextAt(base, { replace: async () => 'newer' }).fetch('Observation', { method: 'POST', body })
    expect(fhir.requests.map((request) => request.body)).toEqual(['a=1', 'a=1'])
  })

  it('ERR-05 a 401 of another server, to which a redirect led, says nothing of the token', async () => {
    const storage = await startServer((_request, response) => void response.writeHead(401).end())
    const { fhir, base } = await startServers(redirectTo(`${storage.origin}/expired-link`))
    const replace = vi.fn(async () => 'newer')
    expect((await contextAt(base, { replace }).fetch('Binary/1')).status).toBe(401)
    expect([replace.mock.calls.length, fhir.requests.length, storage.requests.length]).toEqual([0, 1, 1])
  })
})

describe('the request that is sent', () => {
  it('RSP-11 asks for FHIR JSON unless the caller asks for something else', async () => {
    const { fhir, base } = await startServers()
    await contextAt(base).fetch('Patient/1')
    await contextAt(base).fetch('Patient/1', { headers: { Accept: 'application/fhir+xml' } })
    expect(fhir.requests.map(({ headers }) => headers.accept)).toEqual([
      'application/fhir+json',
      'application/fhir+xml',
    ])
  })

  it('RSP-11 an Authorization header of the caller’s own gives way to the token', async () => {
    const { fhir, base } = await startServers()
    await contextAt(base).fetch('Patient/1', { headers: { Authorization: 'Bearer another' } })
    expect(bearersOf(fhir.requests)).toEqual([`Bearer ${TOKEN}`])
  })

  it('RSP-11 the caller’s init and its headers are not changed', async () => {
    const { fhir, base } = await startServers()
    for (const headers of [{ 'x-a': '1' }, [['x-a', '1']] as [string, string][], new Headers({ 'x-a': '1' })]) {
      const init: RequestInit = Object.freeze({ method: 'GET', headers })
      const before = inspect(init)
      await contextAt(base).fetch('Patient/1', init)
      expect(inspect(init)).toBe(before)
    }
    expect(fhir.requests).toHaveLength(3)
  })

  it('RSP-11 a signal of the caller’s ends the request', async () => {
    const { base } = await startServers(() => {})
    const fetched = contextAt(base).fetch('Patient/1', { signal: AbortSignal.timeout(20) })
    await expect(fetched).rejects.toMatchObject({ name: 'TimeoutError' })
  })
})

describe('the object', () => {
  it('RSP-11 is frozen, with all that it holds', () => {
    const context = contextAt('https://ehr.example/fhir')
    expect([context, context.scope, context.launch].every(Object.isFrozen)).toBe(true)
    expect(() => Object.assign(context, { patient: '2' })).toThrow(TypeError)
  })

  it('ERR-06 shows no token when printed, serialised or copied', () => {
    const context = contextAt('https://ehr.example/fhir')
    const print = vi.spyOn(console, 'log').mockImplementation(() => {})
    console.log(context)
    const printed = print.mock.calls.map((values) => inspect(values)).join()
    print.mockRestore()
    const seen = [
      printed,
      inspect(context, { depth: Infinity, showHidden: true }),
      JSON.stringify(context),
      JSON.stringify({ ...context }),
      String(context),
      inspect(context.fetch, { depth: Infinity, showHidden: true }),
      context.fetch.toString(),
    ]
    expect(seen.join()).toContain('patient')
    expect(seen.join()).not.toContain(TOKEN)
    expect(context.accessToken).toBe(TOKEN)
  })
})

describe('in a session', () => {
  async function logIn(scope: string) {
    const clock = { now: Date.now() }
    const sandbox = await startSandbox({ consent: 'auto' })
    const contexts: FhirContext[] = []
    const app = await startCoreApp(
      (origin) => {
        const redirectUri = `${origin}/callback`
        sandbox.registerClient({ clientId: 'app', redirectUris: [redirectUri] })
        const session = { secret: crypto.randomUUID() }
        const { fhirBaseUrl } = sandbox
        return createSmartLaunch({ fhirBaseUrl, clientId: 'app', redirectUri, scope, session, now: () => clock.now })
      },
      (fhir) => void (fhir && contexts.push(fhir)),
    )
    const browser = createUserAgent()
    await browser.signIn(`${app.origin}/login`)
    const visit = async () => {
      await browser.request(`${app.origin}/`)
      return contexts.at(-1) as FhirContext
    }
    const refreshes = () =>
      sandbox.requestsTo('/token').filter(({ form }) => form.get('grant_type') === 'refresh_token')
    const lastBearer = () => sandbox.requests.at(-1)?.headers.authorization
    return { sandbox, clock, visit, refreshes, lastBearer }
  }

  it('RSP-03 there is one object per token, whatever the number of requests', async () => {
    const { clock, visit } = await logIn('launch/patient patient/*.rs offline_access')
    const first = await visit()
    expect(await visit()).toBe(first)
    clock.now += 301_000
    const second = await visit()
    expect(second).not.toBe(first)
    expect(second.accessToken).not.toBe(first.accessToken)
    expect(await visit()).toBe(second)
  })

  it('RSP-03 fetch sends the newest token of its session, however old its context is', async () => {
    const { clock, visit, refreshes, lastBearer } = await logIn('launch/patient patient/*.rs offline_access')
    const old = await visit()
    expect((await old.fetch('Patient')).status).toBe(200)
    expect(lastBearer()).toBe(`Bearer ${old.accessToken}`)
    clock.now += 301_000
    const newest = await visit()
    expect((await old.fetch('Patient')).status).toBe(200)
    expect(lastBearer()).toBe(`Bearer ${newest.accessToken}`)
    // And renews by itself when nobody else has: a job that outlives its request.
    clock.now += 301_000
    expect((await old.fetch('Patient')).status).toBe(200)
    expect(refreshes()).toHaveLength(2)
  })

  it('ERR-05 many requests that get a 401 at once cause one refresh', async () => {
    const { sandbox, visit, refreshes } = await logIn('launch/patient patient/*.rs offline_access')
    const context = await visit()
    sandbox.fault({ at: 'fhir', kind: 'status', status: 401, times: 5 })
    const responses = await Promise.all(Array.from({ length: 5 }, () => context.fetch('Patient')))
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    expect(refreshes()).toHaveLength(1)
  })

  it('ERR-05 without a refresh token a 401 of the FHIR server is the caller’s, and an expired token ends the session', async () => {
    const { sandbox, clock, visit } = await logIn('launch/patient patient/*.rs')
    const context = await visit()
    sandbox.revokeAll()
    expect((await context.fetch('Patient')).status).toBe(401)
    clock.now += 301_000
    await expect(context.fetch('Patient')).rejects.toMatchObject({ code: 'session_ended', status: 401 })
  })
})
