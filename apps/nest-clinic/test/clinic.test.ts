import { randomBytes } from 'node:crypto'
import { startNodeApp } from '@fhir-auth/conformance'
import { chromiumPath, launchChromium } from '@fhir-auth/conformance/chromium'
import { createSandbox, createUserAgent, type Sandbox } from '@fhir-auth/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClinic } from '../src/clinic.ts'

const granted =
  'launch openid fhirUser online_access patient/Patient.rs patient/Condition.rs patient/MedicationRequest.rs'
let sandbox: Sandbox
let clinic: Awaited<ReturnType<typeof startClinic>>

beforeAll(async () => {
  sandbox = await createSandbox()
  clinic = await startClinic((origin) => origin)
})
afterAll(async () => {
  await clinic.close()
  await sandbox.close()
})

/** @param publicOriginOf - where the EHR finds the app; its server is on this machine */
function startClinic(publicOriginOf: (origin: string) => string) {
  return startNodeApp(async (origin) => {
    const publicOrigin = publicOriginOf(origin)
    const client = { clientId: publicOrigin.replace(/\W+/g, '-'), clientSecret: randomBytes(24).toString('base64url') }
    sandbox.registerClient({ ...client, redirectUris: [`${publicOrigin}/callback`], scope: granted })
    const sessionSecret = randomBytes(32).toString('base64url')
    const app = await createClinic({ origin: publicOrigin, fhirBaseUrl: sandbox.fhirBaseUrl, ...client, sessionSecret })
    await app.init()
    return { listener: app.getHttpAdapter().getInstance(), close: () => app.close() }
  })
}

const launchOf = (patient: string, more: { needPatientBanner?: boolean } = {}) =>
  sandbox.ehrLaunch({ launchUrl: `${clinic.origin}/launch`, patient, ...more })

/** Links of a page, as whole URLs. */
const linksIn = (page: string) =>
  [...page.matchAll(/<a href="([^"]+)"/g)].map(([, path = '']) => new URL(path, clinic.origin).href)

describe('the clinic', () => {
  it('shows the patient whose chart is open in the EHR, and who opened it', async () => {
    const page = await createUserAgent().signIn(launchOf('amber-testwell'))
    expect(page.headers.get('cache-control')).toBe('no-store')
    const text = await page.text()
    expect(text).toContain('<strong>Amber Testwell</strong>')
    expect(text).toMatch(/Opened by Practitioner\/\S+/)
  })

  it('leaves the banner to an EHR that shows one', async () => {
    const page = await createUserAgent().signIn(launchOf('amber-testwell', { needPatientBanner: false }))
    expect(await page.text()).not.toContain('<strong>Amber Testwell</strong>')
  })

  it('opens from the EHR only', async () => {
    const page = await createUserAgent().visit(`${clinic.origin}/patient`)
    expect([page.status, (await page.text()).includes('Open this app from the EHR')]).toEqual([401, true])
    expect((await fetch(`${clinic.origin}/login`)).status).toBe(404)
  })

  it('shows medications, and refuses laboratory results that the EHR did not grant', async () => {
    const browser = createUserAgent()
    const [medications = '', laboratory = ''] = linksIn(await (await browser.signIn(launchOf('flint-dummond'))).text())
    expect((await browser.visit(medications)).status).toBe(200)

    sandbox.clearRequests()
    const refused = await browser.visit(laboratory)
    expect(refused.status).toBe(403)
    expect(await refused.text()).toContain('patient/Observation.rs')
    expect(sandbox.requests).toEqual([])
  })

  it('says in a page of its own why a chart stays closed', async () => {
    const browser = createUserAgent()
    const [medications = ''] = linksIn(await (await browser.signIn(launchOf('flint-dummond'))).text())
    sandbox.fault({ at: 'fhir', kind: 'status', status: 500 })
    const failed = await browser.visit(medications)
    sandbox.clearFaults()
    expect([failed.status, await failed.text()]).toEqual([502, expect.stringContaining('The EHR answered 500')])

    sandbox.revokeAll()
    const ended = await browser.visit(medications)
    expect([ended.status, await ended.text()]).toEqual([401, expect.stringContaining('has ended your session')])
    const later = await browser.visit(medications)
    expect([later.status, await later.text()]).toEqual([401, expect.stringContaining('from the EHR')])
  })

  it('keeps two patients of one browser apart, whatever is opened when', async () => {
    const browser = createUserAgent()
    const amber = linksIn(await (await browser.signIn(launchOf('amber-testwell'))).text())
    const basil = linksIn(await (await browser.signIn(launchOf('basil-mockridge'))).text())
    const [first = '', second = ''] = [amber[0], basil[0]]
    for (const [url, name] of [
      [first, 'Amber Testwell'],
      [second, 'Basil Mockridge'],
      [first, 'Amber Testwell'],
    ] as const) {
      const text = await (await browser.visit(url)).text()
      expect(text.match(/Amber Testwell|Basil Mockridge/g)?.every((found) => found === name)).toBe(true)
    }
    // A page that names neither is refused, not guessed.
    const unnamed = await browser.visit(`${clinic.origin}/patient`)
    expect(unnamed.status).toBe(409)
    expect(await unnamed.text()).not.toMatch(/Amber Testwell|Basil Mockridge/)
  })

  it('has a cookie for a frame of the EHR over https, and none that leaves the site over http', async () => {
    const secure = await startClinic((origin) => origin.replace('http:', 'https:'))
    const cookieOf = async (origin: string) => {
      const query = new URLSearchParams({ iss: sandbox.fhirBaseUrl, launch: 'some-launch' })
      return (await fetch(`${origin}/launch?${query}`, { redirect: 'manual' })).headers.getSetCookie().join()
    }
    try {
      expect(await cookieOf(secure.origin)).toMatch(/SameSite=None.*Partitioned|Partitioned.*SameSite=None/)
      expect(await cookieOf(clinic.origin)).toMatch(/SameSite=Lax/)
    } finally {
      await secure.close()
    }
  })
})

describe.skipIf(!chromiumPath)('the clinic in Chromium', () => {
  it('has two patients in two tabs by two launches of the EHR, and never shows the other', async () => {
    const browser = await launchChromium()
    const shots = process.env.SCREENSHOTS
    try {
      const ehr = await (await browser.newContext()).newPage()
      const open = async (name: string) => {
        await ehr.goto(`${sandbox.issuer}/ehr?launch_url=${encodeURIComponent(`${clinic.origin}/launch`)}`)
        await ehr.getByLabel('Patient, and the visit').selectOption({ label: name })
        await ehr.getByLabel('In a new tab').check()
        await ehr.getByRole('button', { name: 'Open the app' }).click()
        const opened = ehr.context().waitForEvent('page')
        await ehr.getByRole('link', { name: `Open the app for ${name}` }).click()
        const tab = await opened
        const allow = tab.getByRole('button', { name: 'Allow' })
        await allow.or(tab.getByRole('banner')).first().waitFor()
        if (await allow.isVisible()) await allow.click()
        await tab.getByRole('banner').waitFor()
        return tab
      }
      const names = ['Amber Testwell', 'Basil Mockridge'] as const
      const tabs = [await open(names[0]), await open(names[1])] as const
      for (const link of ['Medications', 'Summary', undefined]) {
        for (const [index, tab] of tabs.entries()) {
          if (link) await tab.getByRole('link', { name: link }).click()
          else await tab.reload()
          if (link) await tab.getByRole('heading', { name: link }).waitFor()
          expect(await tab.getByRole('banner').locator('strong').textContent()).toBe(names[index])
          expect(await tab.content()).not.toContain(names[1 - index])
          if (shots) await tab.screenshot({ path: `${shots}/clinic-${index}-${link ?? 'reload'}.png` })
        }
      }
      const [first] = tabs
      await first.getByRole('link', { name: 'Laboratory' }).click()
      await first.getByText('patient/Observation.rs').waitFor()
      if (shots) await first.screenshot({ path: `${shots}/clinic-refused.png` })
      await first.goBack()
      await first.getByRole('button', { name: 'Close all patients' }).click()
      await first.getByRole('heading', { name: 'Clinic' }).waitFor()
      if (shots) await first.screenshot({ path: `${shots}/clinic-home.png` })
      expect((await tabs[1].reload())?.status()).toBe(401)
    } finally {
      await browser.close()
    }
  }, 60_000)
})
