import { expect } from 'vitest'
import type { ConformanceCase } from '../conformance-case.ts'
import type { World } from '../world.ts'
import { logInAtHostile } from './hostile-login.ts'
import { bombs, redirectTo, sendJson } from './hostile-server.ts'

const app = { registeredAt: 'hostile' } as const

/** URLs that look as if they were below the base, but lead elsewhere in a server or proxy that decodes them. */
const TRICKS = [
  '..%2fadmin',
  '..%5cadmin',
  '%2e%2e/admin',
  '%252e%252e%252fadmin',
  '..;/admin',
  'Patient/..%2f..%2fadmin',
  'Patient/%2e%2e%2f%2e%2e%2fadmin',
  '../admin',
  '/admin',
  '//evil.example/fhir/Patient/p1',
  '\\\\evil.example\\fhir',
  'https:evil.example',
  'data:text/plain,x',
]

export const hostileFhirServer: readonly ConformanceCase[] = [
  {
    rule: 'a FHIR server that redirects to another host does not take the token there (RFC 6750 §5.3, RFC 9110 §15.4)',
    app,
    async run(world) {
      const { hostile } = world
      for (const status of [301, 302, 303, 307, 308]) {
        hostile.at('/fhir/Patient/p1', redirectTo(`${hostile.elsewhere}/taken?status=${status}`, status))
        await readAfterLogin(world, 'Patient/p1')
      }
      const taken = hostile.requests.filter(({ host }) => host === 'elsewhere')
      expect(taken).toHaveLength(5)
      for (const { headers, path } of taken) {
        expect(headers).not.toHaveProperty('authorization')
        expect(headers).not.toHaveProperty('referer')
        expect(path).toMatch(/^\/taken\?status=\d+$/)
      }
    },
  },
  {
    rule: 'a redirect that goes away and comes back brings no token back (RFC 9110 §15.4)',
    app,
    async run(world) {
      const { hostile } = world
      hostile.at('/fhir/Patient/p1', redirectTo(`${hostile.elsewhere}/away`))
      hostile.at('/away', redirectTo(`${hostile.fhirBaseUrl}/Patient/back`))
      await readAfterLogin(world, 'Patient/p1')
      const [back] = hostile.requestsTo('/fhir/Patient/back')
      expect(back?.headers).not.toHaveProperty('authorization')
    },
  },
  {
    rule: 'a redirect out of the FHIR base loses the token on the same host too (RFC 6750 §5.3)',
    app,
    async run(world) {
      const { hostile } = world
      const places = ['/other-tenant/Patient/p1', '/fhir/..%2fother-tenant/Patient/p1', '/fhir-other/Patient/p1']
      for (const place of places) {
        hostile.at('/fhir/Patient/p1', redirectTo(hostile.origin + place, 307))
        await readAfterLogin(world, 'Patient/p1')
        expect(hostile.requestsTo(place).map(({ headers }) => 'authorization' in headers)).toEqual([false])
      }
    },
  },
  {
    rule: 'a link of a bundle that leads out of the base is followed with no token: other hosts, and paths in disguise (FHIR R4 §3.1.1.3.1)',
    app,
    async run(world) {
      const { hostile, visitor } = world
      const browser = visitor()
      await logInAtHostile(browser)
      const before = hostile.requests.length
      for (const link of [...TRICKS, `${hostile.elsewhere}/fhir/Patient/p1`, `${hostile.origin}/fhir-other/Patient`]) {
        const answer = await browser.ask(`/read?${new URLSearchParams({ read: link })}`)
        expect([link, answer.status]).toEqual([link, 500])
      }
      expect(hostile.requests.slice(before)).toEqual([])
    },
  },
  {
    rule: 'a FHIR server that refuses every token costs one refresh a request, and no loop (RFC 6750 §3.1)',
    app,
    async run(world) {
      const { hostile } = world
      hostile.at('/fhir/Patient/p1', (response) => {
        response.setHeader('www-authenticate', 'Bearer error="invalid_token"')
        sendJson(response, { resourceType: 'OperationOutcome' }, 401)
      })
      await readAfterLogin(world, 'Patient/p1')
      expect(hostile.requestsTo('/fhir/Patient/p1')).toHaveLength(2)
      expect(hostile.requestsTo('/token').map(({ form }) => form.get('grant_type'))).toEqual([
        'authorization_code',
        'refresh_token',
      ])
    },
  },
  // What is nested deeply is the app's to write on; how a framework fails at that is its own.
  ...Object.entries(bombs)
    .filter(([what]) => !what.includes('nested'))
    .map(
      ([what, bomb]): ConformanceCase => ({
        rule: `${what} as a FHIR answer fails one request of the app, and no other (FHIR R4 §3.1.0)`,
        app,
        async run({ hostile, visitor }) {
          hostile.at('/fhir/Patient/p1', bomb)
          const browser = visitor()
          await logInAtHostile(browser)
          const answer = await browser.ask('/json')
          expect(answer.status).toBeGreaterThanOrEqual(500)
          expect((await browser.ask('/guarded')).status).toBe(200)
        },
      }),
    ),
]

async function readAfterLogin({ visitor }: World, read: string): Promise<void> {
  const browser = visitor()
  await logInAtHostile(browser)
  await browser.ask(`/read?${new URLSearchParams({ read })}`)
}
