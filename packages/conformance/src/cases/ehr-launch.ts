import { expect } from 'vitest'
import type { Whoami } from '../app/handlers.ts'
import type { ConformanceCase } from '../conformance-case.ts'

const app = { launch: { scope: 'openid fhirUser launch patient/*.rs offline_access', paths: { home: '/open' } } }

export const ehrLaunch: readonly ConformanceCase[] = [
  {
    rule: 'EHR-01 the app keeps its own parameters of the launch URL, those that it has named',
    app: { launch: { scope: 'openid fhirUser launch patient/*.rs', keepParameters: ['clinic'] } },
    async run({ sandbox, base, visitor }) {
      const patient = sandbox.patients[0]?.id ?? ''
      const browser = visitor()
      const page = await browser.logIn(sandbox.ehrLaunch({ launchUrl: `${base}/launch?clinic=7&other=8`, patient }))
      expect(page.json<Whoami>().patient).toBe(patient)
      const { searchParams } = new URL(browser.agent.history.at(-1)?.url ?? '')
      expect([searchParams.get('clinic'), searchParams.get('other')]).toEqual(['7', null])
    },
  },
  {
    rule: 'EHR-02 the launch handle goes back to the EHR as it came, with the FHIR base URL as aud',
    app,
    async run({ sandbox, base, visitor }) {
      const url = new URL(sandbox.ehrLaunch({ launchUrl: `${base}/launch`, patient: firstOf(sandbox.patients).id }))
      const { status, location } = await visitor().open(url.href)
      expect([status, location.origin + location.pathname]).toEqual([303, `${sandbox.issuer}/authorize`])
      expect(location.searchParams.get('launch')).toBe(url.searchParams.get('launch'))
      expect(location.searchParams.get('aud')).toBe(sandbox.fhirBaseUrl)
      expect(location.searchParams.get('scope')?.split(' ')).toContain('launch')
    },
  },
  {
    rule: 'EHR-02 RSP-06 RSP-07 the handler finds patient, encounter, intent, banner and user of the EHR',
    app,
    async run({ sandbox, base, visitor }) {
      const { id: patient, encounters } = firstOf(sandbox.patients)
      const encounter = encounters[0]
      const launch = { patient, encounter, intent: 'reconcile-medications', needPatientBanner: false }
      const page = await visitor().logIn(sandbox.ehrLaunch({ launchUrl: `${base}/launch`, ...launch }))
      expect(page.json<Whoami>()).toMatchObject({
        ...launch,
        fhirUser: expect.stringMatching(/^Practitioner\/./),
      })
    },
  },
  {
    rule: 'EHR-06 an EHR launch ends on a page that names its launch',
    app,
    async run({ sandbox, base, visitor }) {
      const browser = visitor()
      const launch = { launchUrl: `${base}/launch`, patient: firstOf(sandbox.patients).id }
      const { launchId } = (await browser.logIn(sandbox.ehrLaunch(launch))).json<Whoami>()
      expect(browser.agent.history.at(-1)?.url).toBe(`${base}/open?launch_id=${launchId}`)
    },
  },
  {
    rule: 'EHR-01 a launch without iss or without launch is refused, and causes no request',
    app,
    async run({ sandbox, visitor }) {
      const iss = encodeURIComponent(sandbox.fhirBaseUrl)
      for (const query of [
        '',
        `?iss=${iss}`,
        '?launch=handle',
        `?iss=${iss}&launch=`,
        `?iss=${iss}&launch=a&launch=b`,
      ]) {
        const answer = await visitor().ask(`/launch${query}`)
        expect([query, answer.status, answer.json().code]).toEqual([query, 400, 'invalid_launch'])
      }
      expect(sandbox.requests).toEqual([])
    },
  },
  {
    rule: 'EHR-04 no cache keeps what a launch is answered with, and no referrer tells of it',
    app,
    async run({ sandbox, base, visitor }) {
      const launch = { launchUrl: `${base}/launch`, patient: firstOf(sandbox.patients).id }
      for (const url of [sandbox.ehrLaunch(launch), `${base}/launch?launch=some-launch-handle`]) {
        const { headers } = await visitor().open(url)
        expect([headers.get('cache-control'), headers.get('referrer-policy')]).toEqual(['no-store', 'no-referrer'])
      }
    },
  },
]

function firstOf<T>([first]: readonly T[]): T {
  if (first === undefined) throw new Error('The sandbox has no patients.')
  return first
}
