import { expect } from 'vitest'
import type { FhirRead, Whoami } from '../app/handlers.ts'
import type { ConformanceCase } from '../conformance-case.ts'
import type { Visitor } from '../visitor.ts'
import type { World } from '../world.ts'

/** One person, who may see both patients. */
const CLINICIAN = 'Practitioner/juniper-stethwick'

export const twoTabs: readonly ConformanceCase[] = [
  {
    rule: 'EHR-06 two logins at once in one browser both complete, each with its own patient',
    async run(world) {
      const browser = world.visitor()
      const [a, b] = twoPatients(world)
      const first = await browser.logInUntilCallback('/login?returnTo=/open', { patient: a, user: CLINICIAN })
      const second = await browser.logInUntilCallback('/login?returnTo=/open', { patient: b, user: CLINICIAN })
      expect((await browser.logIn(second.href)).json<Whoami>().patient).toBe(b)
      expect((await browser.logIn(first.href)).json<Whoami>().patient).toBe(a)
    },
  },
  {
    rule: 'with two launches open, a request that names one in query or header gets that patient',
    async run(world) {
      const { browser, launches } = await openTwoTabs(world)
      for (const { patient, launchId } of launches) {
        const byQuery = await browser.ask(`/read?launch_id=${launchId}`)
        expect(byQuery.json<FhirRead>()).toMatchObject({ patient, id: patient, launchId })
        const byHeader = await browser.ask('/open', { headers: { 'fhir-launch-id': launchId } })
        expect(byHeader.json<Whoami>()).toMatchObject({ patient, launchId })
      }
    },
  },
  {
    rule: 'with two launches open, a link or a script of a page belongs to the launch of that page',
    async run(world) {
      const { browser, launches } = await openTwoTabs(world)
      for (const { patient, launchId } of launches) {
        const referer = `${world.base}/open?launch_id=${launchId}`
        expect((await browser.ask('/open', { headers: { referer } })).json<Whoami>().patient).toBe(patient)
      }
    },
  },
  {
    rule: 'EHR-06 with two launches open, a page reached by a plain link gets its launch into its own address',
    async run(world) {
      const { browser, launches } = await openTwoTabs(world)
      for (const { launchId } of launches) {
        const referer = `${world.base}/open?launch_id=${launchId}`
        const headers = { referer, accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'same-origin' }
        const answer = await browser.ask('/guarded?tab=labs', { headers })
        expect([answer.status, answer.headers.get('location')]).toEqual([303, `?tab=labs&launch_id=${launchId}`])
      }
    },
  },
  {
    rule: 'with two launches open, a request that names none is refused and not guessed',
    async run(world) {
      const { browser } = await openTwoTabs(world)
      const answer = await browser.ask('/guarded')
      expect([answer.status, answer.json().code]).toEqual([409, 'ambiguous_launch'])
      expect((await browser.ask('/open')).json<Whoami>().loggedIn).toBe(false)
    },
  },
  {
    rule: 'a launch id of nobody, or of another browser, opens nothing',
    async run(world) {
      const { browser } = await openTwoTabs(world)
      const stranger = await openTwoTabs(world)
      for (const launchId of ['nobody', stranger.launches[0].launchId]) {
        expect((await browser.ask(`/guarded?launch_id=${launchId}`)).status).toBe(401)
      }
    },
  },
]

function twoPatients({ sandbox }: World): [string, string] {
  const [a, b] = sandbox.patients
  if (!a || !b) throw new Error('The sandbox has too few patients.')
  return [a.id, b.id]
}

interface OpenLaunch {
  patient: string
  launchId: string
}

/** One browser with two patients open. */
export async function openTwoTabs(world: World): Promise<{ browser: Visitor; launches: [OpenLaunch, OpenLaunch] }> {
  const browser = world.visitor()
  const open = async (patient: string): Promise<OpenLaunch> => {
    const { launchId } = (await browser.logIn('/login?returnTo=/open', { patient, user: CLINICIAN })).json<Whoami>()
    return { patient, launchId: launchId ?? '' }
  }
  const [a, b] = twoPatients(world)
  return { browser, launches: [await open(a), await open(b)] }
}
