import { expect, vi } from 'vitest'
import type { FhirRead, Whoami } from '../app/handlers.ts'
import { JOB_ROUTES } from '../case-app.ts'
import type { ConformanceCase } from '../conformance-case.ts'

const job = { launch: false, backend: true, routes: JOB_ROUTES } as const
const PATIENTS = `/read?read=${encodeURIComponent('Patient?_count=1')}`

export const backend: readonly ConformanceCase[] = [
  {
    rule: 'JWKS-02 JWKS-03 JWKS-04 JWKS-05 the public keys are served to anyone as plain JSON that may be cached',
    app: job,
    async run({ visitor }) {
      const answer = await visitor().ask('/.well-known/jwks.json?x=1')
      expect(answer.status).toBe(200)
      expect(answer.headers.get('content-type')).toBe('application/json')
      expect(answer.headers.get('cache-control')).toBe('public, max-age=600')
      expect(answer.headers.getSetCookie()).toEqual([])
      const { keys } = answer.json<{ keys: object[] }>()
      expect(keys).toEqual([
        {
          kty: 'EC',
          crv: 'P-384',
          x: expect.any(String),
          y: expect.any(String),
          alg: 'ES384',
          use: 'sig',
          kid: expect.any(String),
        },
      ])
    },
  },
  {
    rule: 'JWKS-02 the JWKS answers HEAD, has an ETag, and a copy that is still right gets 304; any page may read it (RFC 9110 §9.3.2, §13.1.2)',
    app: job,
    async run({ visitor }) {
      const program = visitor()
      const first = await program.ask('/.well-known/jwks.json')
      const etag = first.headers.get('etag') ?? ''
      expect(etag).toMatch(/^"[\w-]{22}"$/)
      const head = await program.ask('/.well-known/jwks.json', { method: 'HEAD' })
      for (const name of ['etag', 'content-type', 'cache-control', 'access-control-allow-origin']) {
        expect([name, head.headers.get(name)]).toEqual([name, first.headers.get(name)])
      }
      expect([head.status, head.text]).toEqual([200, ''])
      expect(first.headers.get('access-control-allow-origin')).toBe('*')
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const again = await program.ask('/.well-known/jwks.json', { headers: { 'if-none-match': known } })
        expect([known, again.status, again.text, again.headers.get('etag')]).toEqual([known, 304, '', etag])
        expect(again.headers.get('cache-control')).toBe('public, max-age=600')
      }
      const other = await program.ask('/.well-known/jwks.json', { headers: { 'if-none-match': '"other"' } })
      expect(other.status).toBe(200)
    },
  },
  {
    rule: 'JWKS-02 the JWKS takes GET and HEAD, and its 405 names them (RFC 9110 §15.5.6)',
    app: job,
    async run({ visitor }) {
      const answer = await visitor().ask('/.well-known/jwks.json', { method: 'DELETE' })
      expect([answer.status, answer.json().code]).toEqual([405, 'method_not_allowed'])
      expect(answer.headers.get('allow')).toBe('GET, HEAD')
    },
  },
  {
    rule: 'BSV-01 JWT-05 JWT-06 a handler has the token of the app itself, got with an assertion that the JWKS verifies',
    app: job,
    async run({ visitor, tokenRequests }) {
      const whoami = (await visitor().ask('/guarded')).json<Whoami>()
      expect(whoami).toMatchObject({
        loggedIn: true,
        patient: null,
        launchId: null,
        scope: 'system/*.rs',
        frozen: true,
      })
      const [request] = tokenRequests('client_credentials')
      expect([...(request?.form.keys() ?? [])].sort()).toEqual([
        'client_assertion',
        'client_assertion_type',
        'grant_type',
        'scope',
      ])
      expect(request?.status).toBe(200)
    },
  },
  {
    rule: 'RSP-11 fhir.fetch of a job reads with its token',
    app: job,
    async run({ visitor }) {
      expect((await visitor().ask(PATIENTS)).json<FhirRead>()).toMatchObject({ status: 200, resourceType: 'Bundle' })
    },
  },
  {
    rule: 'BSV-08 however many requests wait for the token, it is asked for once',
    app: job,
    async run({ visitor, tokenRequests }) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => visitor().ask(PATIENTS)))
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
      expect(tokenRequests('client_credentials')).toHaveLength(1)
    },
  },
  {
    rule: 'BSV-09 a token that the FHIR server refuses is replaced once, and the request sent again',
    app: job,
    async run({ sandbox, visitor, tokenRequests }) {
      const program = visitor()
      await program.ask(PATIENTS)
      sandbox.fault({ at: 'fhir', kind: 'status', status: 401, times: 1 })
      expect((await program.ask(PATIENTS)).json<FhirRead>().status).toBe(200)
      expect(tokenRequests('client_credentials')).toHaveLength(2)
    },
  },
  {
    rule: 'ERR-01 BSV-12 a token that the app does not get stops guarded routes alone, and says why',
    app: job,
    async run({ sandbox, visitor }) {
      sandbox.fault({ at: 'token', kind: 'status', status: 400, body: '{"error":"invalid_scope"}' })
      const program = visitor()
      const refused = await program.ask('/guarded')
      expect(refused.status).toBe(502)
      expect(refused.json()).toMatchObject({ code: 'token_request_refused', error: 'invalid_scope' })
      const open = await program.ask('/open')
      expect([open.status, open.json<Whoami>().loggedIn]).toEqual([200, false])
    },
  },
  {
    rule: 'BSV-08 a token that still lives serves on while its server is down, even when a new one is due',
    needs: ['inProcess'],
    app: job,
    async run({ sandbox, visitor, advanceSeconds, tokenRequests }) {
      const program = visitor()
      await program.ask('/guarded')
      sandbox.fault({ at: 'token', kind: 'reset' })
      advanceSeconds(280)
      expect((await program.ask('/guarded')).status).toBe(200)
      // The first one, and one that was lost and tried once more.
      await vi.waitFor(() => expect(tokenRequests('client_credentials')).toHaveLength(3))
      expect((await program.ask('/guarded')).status).toBe(200)
    },
  },
  {
    rule: 'a backend token never replaces a person: who is not logged in gets no token of the system',
    app: { backend: true },
    async run({ visitor, tokenRequests }) {
      const stranger = visitor()
      expect((await stranger.ask('/guarded')).status).toBe(401)
      expect((await stranger.ask('/open')).json<Whoami>().loggedIn).toBe(false)
      expect((await stranger.open('/guarded')).location.pathname).toBe('/login')
      expect(tokenRequests('client_credentials')).toEqual([])
    },
  },
  {
    rule: 'a backend token never replaces a person: who is logged in keeps their own context',
    app: { backend: true },
    async run({ sandbox, visitor, tokenRequests }) {
      const patient = sandbox.patients[3]?.id
      const browser = visitor()
      await browser.logIn('/login', { patient })
      expect((await browser.ask('/read')).json<FhirRead>()).toMatchObject({ patient, id: patient, status: 200 })
      expect(tokenRequests('client_credentials')).toEqual([])
    },
  },
  {
    rule: 'a backend token never replaces a person, also where backendServices() is mounted first',
    needs: ['anyOrder'],
    app: { backend: true, backendFirst: true },
    async run({ sandbox, visitor }) {
      expect((await visitor().ask('/guarded')).status).toBe(401)
      const patient = sandbox.patients[4]?.id
      const browser = visitor()
      await browser.logIn('/login', { patient })
      expect((await browser.ask('/guarded')).json<Whoami>()).toMatchObject({ patient, launchId: expect.any(String) })
    },
  },
]
