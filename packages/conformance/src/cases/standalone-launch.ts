import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { FhirRead, Whoami } from '../app/handlers.ts'
import type { ConformanceCase } from '../conformance-case.ts'

export const standaloneLaunch: readonly ConformanceCase[] = [
  {
    rule: 'AUTHZ-01 AUTHZ-02 AUTHZ-03 AUTHZ-04 login goes to the authorization endpoint with all that it needs',
    async run({ sandbox, base, visitor }) {
      const { status, location, headers } = await visitor().open('/login')
      expect(status).toBe(303)
      expect(location.origin + location.pathname).toBe(`${sandbox.issuer}/authorize`)
      expect(Object.fromEntries(location.searchParams)).toEqual({
        response_type: 'code',
        client_id: 'conformance-portal',
        redirect_uri: `${base}/callback`,
        scope: 'openid fhirUser launch/patient patient/*.rs offline_access',
        state: expect.stringMatching(/^[\w-]{22,}$/),
        nonce: expect.stringMatching(/^[\w-]{22,}$/),
        aud: sandbox.fhirBaseUrl,
        code_challenge: expect.stringMatching(/^[\w-]{43}$/),
        code_challenge_method: 'S256',
      })
      expect(headers.get('cache-control')).toBe('no-store')
    },
  },
  {
    rule: 'TOK-02 PKCE-02 PKCE-05 the code is exchanged once, with the verifier of its challenge and the client secret',
    async run({ sandbox, base, recipe, visitor, tokenRequests }) {
      await visitor().logIn()
      const [authorize] = sandbox.requestsTo('/authorize')
      const [exchange, ...more] = tokenRequests('authorization_code')
      expect(more).toEqual([])
      const verifier = exchange?.form.get('code_verifier') ?? ''
      const challenge = createHash('sha256').update(verifier).digest('base64url')
      expect(challenge).toBe(authorize?.query.get('code_challenge'))
      expect(exchange?.form.get('redirect_uri')).toBe(`${base}/callback`)
      const basic = Buffer.from(`conformance-portal:${recipe.launch?.clientSecret}`).toString('base64')
      expect(exchange?.headers.authorization).toBe(`Basic ${basic}`)
    },
  },
  {
    rule: 'RSP-06 IDT-06 the handler finds the patient and the person who logged in',
    async run({ sandbox, visitor }) {
      const patient = sandbox.patients[2]?.id
      const browser = visitor()
      await browser.logIn('/login', { patient })
      expect((await browser.ask('/open')).json<Whoami>()).toMatchObject({
        loggedIn: true,
        patient,
        fhirUser: `Patient/${patient}`,
        scope: 'openid fhirUser launch/patient patient/*.rs offline_access',
        launchId: expect.stringMatching(/^[\w-]{10,}$/),
        frozen: true,
      })
    },
  },
  {
    rule: 'RSP-11 fhir.fetch reads with the token in the Authorization header, and in no URL',
    async run({ sandbox, visitor }) {
      const patient = sandbox.patients[1]?.id
      const browser = visitor()
      await browser.logIn('/login', { patient })
      const read = (await browser.ask('/read')).json<FhirRead>()
      expect(read).toMatchObject({ status: 200, resourceType: 'Patient', id: patient })
      const [request] = sandbox.requestsTo(`/fhir/Patient/${patient}`)
      expect(request?.headers.authorization).toMatch(/^Bearer \S+$/)
      expect(request?.url).toBe(`/fhir/Patient/${patient}`)
    },
  },
  {
    rule: 'CB-09 a person without a login gets to the page that was asked for, on a clean URL',
    async run({ base, visitor }) {
      const browser = visitor()
      const page = await browser.logIn('/guarded?tab=labs&from=a%2Fb')
      expect(page.json<Whoami>().loggedIn).toBe(true)
      expect(browser.agent.history.at(-1)?.url).toBe(`${base}/guarded?tab=labs&from=a%2Fb`)
    },
  },
]
