import { type BrowserContext, chromiumPath, launchChromiumProfile, type Page } from '@fhir-auth/conformance/chromium'
import { clientSecretBasic } from '@fhir-auth/express'
import { createSandbox, type Sandbox } from '@fhir-auth/sandbox'
import express from 'express'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createChartApp } from './chart-app.ts'
import { type HttpsServer, passOnTo, startHttps } from './https-server.ts'

let sandbox: Sandbox
let ehr: HttpsServer
let app: HttpsServer
let framePolicy: string

beforeAll(async () => {
  sandbox = await createSandbox()
  // Two sites to the browser: the EHR with its authorization server, and the app.
  ehr = await startHttps('127.0.0.1', (origin) => passOnTo(sandbox.issuer, origin))
  app = await startHttps('localhost', (origin) => {
    const client = { clientId: 'chart', clientSecret: crypto.randomUUID() }
    sandbox.registerClient({ ...client, redirectUris: [`${origin}/callback`] })
    const chart = createChartApp({
      fhirBaseUrl: sandbox.fhirBaseUrl,
      metadata: { authorization_endpoint: `${ehr.origin}/authorize` },
      clientId: client.clientId,
      clientAuth: clientSecretBasic(client.clientSecret),
      redirectUri: `${origin}/callback`,
      scope: 'openid fhirUser launch patient/*.rs',
      session: { secret: crypto.randomUUID(), sameSite: 'none' },
      paths: { home: '/chart' },
    })
    return express()
      .use((_req, res, next) => {
        res.set('content-security-policy', framePolicy)
        next()
      })
      .use(chart)
  })
})
afterAll(async () => {
  await app.close()
  await ehr.close()
  await sandbox.close()
})

/** What a person can choose under "Third-party cookies" in Chromium's settings. */
const THIRD_PARTY_COOKIES_ALLOWED = { profile: { cookie_controls_mode: 0, block_third_party_cookies: false } }
const THIRD_PARTY_COOKIES_BLOCKED = { profile: { cookie_controls_mode: 1, block_third_party_cookies: true } }
/** No cookies of the app in the EHR's pages, partitioned ones included: what browsers without them do. */
const NO_COOKIES_IN_FRAME = {
  profile: { content_settings: { exceptions: { cookies: { 'https://localhost,https://127.0.0.1': { setting: 2 } } } } },
}

/** The page of the EHR with the app in a frame. */
async function openInFrame(context: BrowserContext, patient: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${ehr.origin}/ehr?launch_url=${encodeURIComponent(`${app.origin}/launch`)}`)
  await page.getByLabel('Patient, and the visit').selectOption({ label: patient })
  await page.getByRole('button', { name: 'Open the app' }).click()
  return page
}

async function profile(preferences: object, policy = `frame-ancestors ${ehr.origin}`): Promise<BrowserContext> {
  sandbox.clearRequests()
  framePolicy = policy
  const context = await launchChromiumProfile(preferences)
  onTestFinished(() => context.close())
  return context
}

const launchHandles = () => sandbox.requestsTo('/authorize').map(({ query }) => query.get('launch'))

describe.skipIf(!chromiumPath)('an app in the frame of an EHR on another site', { timeout: 60_000 }, () => {
  it.each([
    ['as it comes', {}],
    ['that allows third-party cookies', THIRD_PARTY_COOKIES_ALLOWED],
    ['that blocks third-party cookies', THIRD_PARTY_COOKIES_BLOCKED],
  ])(
    'EHR-07 finishes its launch inside the frame, by partitioned cookies, in a browser %s',
    async (_name, settings) => {
      const context = await profile(settings)
      const page = await openInFrame(context, 'Basil Mockridge')
      const frame = page.frameLocator('iframe')
      await frame.getByRole('button', { name: 'Allow' }).click()
      await frame.getByText('in a frame').waitFor()
      await frame.getByRole('link', { name: 'Labs', exact: true }).click()
      await frame.getByText('/labs').waitFor()
      await frame.getByRole('button', { name: 'Ask' }).click()
      await frame.locator('output', { hasText: '200 Basil Mockridge' }).waitFor()
      const cookies = (await context.cookies()).filter(({ domain }) => domain === 'localhost')
      const partitions = cookies.map((cookie) => 'partitionKey' in cookie && cookie.partitionKey)
      expect([...new Set(partitions)]).toEqual(['https://127.0.0.1'])
    },
  )

  it('EHR-07 keeps two patients apart in the frames of two tabs', async () => {
    const context = await profile({})
    const pages: [string, Page][] = []
    for (const name of ['Basil Mockridge', 'Clover Fauxley']) {
      const page = await openInFrame(context, name)
      await page.frameLocator('iframe').getByRole('button', { name: 'Allow' }).click()
      await page.frameLocator('iframe').getByRole('heading', { name }).waitFor()
      pages.push([name, page])
    }
    for (const path of ['Labs', 'Chart', 'Labs']) {
      for (const [name, page] of pages) {
        const frame = page.frameLocator('iframe')
        await page.bringToFront()
        await drawn(frame)
        await frame.getByRole('link', { name: path, exact: true }).click()
        await frame.locator('#at', { hasText: `/${path.toLowerCase()}` }).waitFor()
        expect(await frame.getByRole('heading').textContent()).toBe(name)
      }
    }
  })

  it('EHR-07 EHR-04 where a frame has no cookies, finishes the same launch in a new tab, by one click', async () => {
    const context = await profile(NO_COOKIES_IN_FRAME)
    const page = await openInFrame(context, 'Clover Fauxley')
    const link = page.frameLocator('iframe').getByRole('link', { name: 'Open the app in a new tab' })
    await link.waitFor()
    // The handle serves once: it must not have been used up in the frame.
    expect(launchHandles()).toEqual([])
    const given = new URL((await page.locator('iframe').getAttribute('src')) ?? '').searchParams.get('launch')

    const opened = context.waitForEvent('page')
    await link.click()
    const tab = await opened
    await tab.getByRole('button', { name: 'Allow' }).click()
    await tab.getByText('own tab').waitFor()
    expect(await tab.getByRole('heading').textContent()).toBe('Clover Fauxley')
    expect(launchHandles()).toEqual([given])
  })

  it("EHR-07 shows nothing under helmet's frame-ancestors 'self': the app must name the EHR", async () => {
    const context = await profile({}, "frame-ancestors 'self'")
    const page = await openInFrame(context, 'Basil Mockridge')
    const refused = page.waitForEvent('console', (message) => message.text().includes('frame-ancestors'))
    await page.frameLocator('iframe').getByRole('button', { name: 'Allow' }).click()
    expect((await refused).text()).toContain('frame-ancestors')
  })
})

/** A frame of another site has a process of its own, and a click before it has drawn anything goes to the page around it. */
async function drawn(frame: ReturnType<Page['frameLocator']>): Promise<void> {
  const nextFrames = () => new Promise<void>((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))
  await frame.locator('body').evaluate(nextFrames)
}
