import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { chromiumPath, launchChromium } from '@fhir-auth/conformance/chromium'
import { createSandbox, createUserAgent, type Sandbox } from '@fhir-auth/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundleWorker } from './bundle-worker.ts'
import { runtimes, type Start, startOnNode } from './runtimes.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await createSandbox()
})
afterAll(() => sandbox.close())

it('the app imports no module of Node, so that it runs everywhere', async () => {
  const { imports } = await bundleWorker(fileURLToPath(new URL('../src/worker.ts', import.meta.url)))
  expect(imports).toEqual([])
})

describe.each(Object.entries(runtimes))('the portal on %s', (_name, start) => {
  describe.skipIf(start === undefined)('runs', () => {
    let portal: Awaited<ReturnType<typeof startPortal>>
    beforeAll(async () => {
      if (start) portal = await startPortal(start)
    })
    afterAll(() => portal?.close())

    it('shows a patient who they are, and their own vital signs', async () => {
      const browser = createUserAgent()
      const account = await browser.signIn(`${portal.origin}/login`, { patient: 'basil-mockridge' })
      expect(account.url).toBe(`${portal.origin}/account`)
      expect(await account.text()).toContain('Patient/basil-mockridge')

      sandbox.clearRequests()
      const page = await browser.visit(`${portal.origin}/vitals`)
      expect(await page.text()).toMatch(/mmHg/)
      const [read] = sandbox.requestsTo('/fhir/Observation')
      expect([read?.status, read?.query.get('patient')]).toEqual([200, 'basil-mockridge'])
    })

    it('sends a person to log in, and a program away', async () => {
      const browser = createUserAgent()
      const page = await browser.signIn(`${portal.origin}/vitals`, { patient: 'clover-fauxley' })
      expect(page.url).toBe(`${portal.origin}/vitals`)
      const response = await fetch(`${portal.origin}/api/vitals`)
      expect([response.status, response.headers.get('content-type')]).toEqual([401, 'application/problem+json'])
    })

    it('says so when the patient denies', async () => {
      const page = await createUserAgent().signIn(`${portal.origin}/login`, { deny: true })
      expect([page.status, (await page.text()).includes('The login was cancelled')]).toEqual([403, true])
    })

    it('forgets who logs out', async () => {
      const { origin } = portal
      const browser = createUserAgent()
      await browser.signIn(`${origin}/login`)
      expect((await browser.request(`${origin}/api/vitals`)).status).toBe(200)
      await browser.visit(`${origin}/logout`, { method: 'POST', headers: { origin } })
      const headers = { accept: 'application/json', 'sec-fetch-mode': 'cors' }
      expect((await browser.request(`${origin}/api/vitals`, { headers })).status).toBe(401)
    })
  })
})

describe.skipIf(!chromiumPath)('the portal in Chromium', () => {
  it('logs in, shows its pages and logs out', async () => {
    const portal = await startPortal(startOnNode)
    const browser = await launchChromium()
    const shots = process.env.SCREENSHOTS
    try {
      const page = await browser.newPage()
      await page.goto(portal.origin)
      if (shots) await page.screenshot({ path: `${shots}/edge-welcome.png` })
      await page.getByRole('link', { name: 'Log in' }).click()
      await page.getByRole('radio', { name: 'Amber Testwell' }).check()
      await page.getByRole('button', { name: 'Continue' }).click()
      await page.getByRole('button', { name: 'Allow' }).click()
      await page.getByText('Patient/amber-testwell').waitFor()
      if (shots) await page.screenshot({ path: `${shots}/edge-account.png` })
      await page.getByRole('link', { name: 'Vital signs' }).click()
      expect(await page.getByRole('row').count()).toBeGreaterThan(10)
      if (shots) await page.screenshot({ path: `${shots}/edge-vitals.png`, fullPage: true })
      await page.getByRole('link', { name: 'Who am I' }).click()
      await page.getByRole('button', { name: 'Log out' }).click()
      await page.getByRole('link', { name: 'Log in' }).waitFor()
    } finally {
      await browser.close()
      await portal.close()
    }
  }, 60_000)
})

async function startPortal(start: Start) {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const client = { clientId: `portal-${port}`, clientSecret: randomBytes(24).toString('base64url') }
  sandbox.registerClient({ ...client, redirectUris: [`${origin}/callback`] })
  const settings = {
    ORIGIN: origin,
    FHIR_BASE_URL: sandbox.fhirBaseUrl,
    CLIENT_ID: client.clientId,
    CLIENT_SECRET: client.clientSecret,
    SESSION_SECRET: randomBytes(32).toString('base64url'),
  }
  return { origin, close: await start(settings, port) }
}

/** Below the ports that systems give to outgoing connections, so that none of those takes it first. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 30_000)
    const server = createServer().listen(port, '127.0.0.1')
    try {
      await once(server, 'listening')
    } catch {
      continue // taken
    }
    await once(server.close(), 'close')
    return port
  }
}
