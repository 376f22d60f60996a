import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chromiumPath, launchChromium } from '@fhir-auth/conformance/chromium'
import { createSandbox, createUserAgent, type Sandbox } from '@fhir-auth/sandbox'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createPortal } from '../src/portal.ts'

let sandbox: Sandbox
let portal: string
let close: () => Promise<unknown>

beforeAll(async () => {
  let app: RequestListener = () => {}
  const server = createServer((request, response) => app(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  portal = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const clientSecret = crypto.randomUUID()
  sandbox = await createSandbox({
    mode: 'intelichart',
    clients: [{ clientId: 'portal', clientSecret, redirectUris: [`${portal}/callback`] }],
  })
  app = createPortal({
    origin: portal,
    fhirBaseUrl: sandbox.fhirBaseUrl,
    clientId: 'portal',
    clientSecret,
    sessionSecret: crypto.randomUUID() + crypto.randomUUID(),
  })
  close = () => {
    server.closeAllConnections()
    return Promise.all([sandbox.close(), new Promise((resolve) => server.close(resolve))])
  }
})
beforeEach(() => sandbox.clearRequests())
afterAll(() => close())

describe('the portal', () => {
  it('shows a patient their own record after login', async () => {
    const browser = createUserAgent()
    const page = await browser.signIn(`${portal}/chart`, { patient: 'basil-mockridge' })
    expect(page.url).toBe(`${portal}/chart`)
    expect(await page.text()).toContain('Basil Mockridge')
  })

  it('answers an API call without a session with a problem', async () => {
    const response = await fetch(`${portal}/api/vitals`)
    expect(response.status).toBe(401)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
  })

  it('gives vital signs as JSON, oldest first', async () => {
    const browser = createUserAgent()
    await browser.signIn(`${portal}/chart`, { patient: 'amber-testwell' })
    const vitals = (await (await browser.request(`${portal}/api/vitals`)).json()) as {
      date: string
      systolic: number
    }[]
    expect(vitals.length).toBeGreaterThan(10)
    expect(vitals.map(({ date }) => date)).toEqual(vitals.map(({ date }) => date).sort())
    expect(vitals.every(({ systolic }) => systolic > 80 && systolic < 220)).toBe(true)
  })

  it('says so, in a page, when the patient denies', async () => {
    const browser = createUserAgent()
    const page = await browser.signIn(`${portal}/chart`, { patient: 'amber-testwell', deny: true })
    expect(page.status).toBe(403)
    expect(await page.text()).toContain('The login was cancelled')
  })
})

describe.skipIf(!chromiumPath)('the portal in Chromium', () => {
  it('logs in, shows the chart, and logs out', async () => {
    const browser = await launchChromium()
    try {
      const page = await browser.newPage()
      await page.goto(portal)
      await page.getByRole('link', { name: 'Log in' }).click()
      await page.getByRole('radio', { name: 'Clover Fauxley' }).check()
      await page.getByRole('button', { name: 'Continue' }).click()
      await page.getByRole('button', { name: 'Allow' }).click()
      await page.waitForURL(`${portal}/chart`)
      expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Clover Fauxley')
      expect(await page.locator('svg polyline').count()).toBe(3)
      if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT, fullPage: true })
      const cookies = (await page.context().cookies()).filter(({ name }) => name.startsWith('fhir-auth'))
      expect(cookies.filter(({ httpOnly }) => !httpOnly)).toEqual([])
      // For some seconds there is a count of logins as well.
      expect(cookies.map(({ name }) => name).filter((name) => name !== 'fhir-auth.rounds')).toEqual([
        'fhir-auth.session',
      ])
      await page.getByRole('button', { name: 'Log out' }).click()
      await page.getByRole('link', { name: 'Log in' }).waitFor()
      expect((await page.request.get(`${portal}/api/session`)).status()).toBe(401)
    } finally {
      await browser.close()
    }
  })
})
