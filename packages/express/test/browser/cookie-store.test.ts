import { startNodeApp } from '@fhir-auth/conformance'
import { chromiumPath, launchChromium } from '@fhir-auth/conformance/chromium'
import { clientSecretBasic, cookieStore } from '@fhir-auth/express'
import { createSandbox } from '@fhir-auth/sandbox'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createChartApp } from './chart-app.ts'

const TOKEN_SECONDS = 300

describe.skipIf(!chromiumPath)('sessions in cookies, in a browser', { timeout: 60_000 }, () => {
  it('RFR-03 EHR-06 renew a token that has run out without showing anything, each tab for its own patient', async () => {
    let offset = 0
    const sandbox = await createSandbox({ accessTokenSeconds: TOKEN_SECONDS })
    onTestFinished(() => sandbox.close())
    const app = await startNodeApp((origin) => {
      const client = { clientId: 'chart', clientSecret: crypto.randomUUID() }
      sandbox.registerClient({ ...client, redirectUris: [`${origin}/callback`] })
      return createChartApp({
        fhirBaseUrl: sandbox.fhirBaseUrl,
        clientId: client.clientId,
        clientAuth: clientSecretBasic(client.clientSecret),
        redirectUri: `${origin}/callback`,
        scope: 'openid fhirUser launch patient/*.rs online_access',
        session: { secret: crypto.randomUUID(), store: cookieStore() },
        paths: { home: '/chart' },
        now: () => Date.now() + offset,
      })
    })
    onTestFinished(() => app.close())
    const browser = await launchChromium()
    onTestFinished(() => browser.close())

    const context = await browser.newContext()
    const open = async (patient: string, name: string) => {
      const tab = await context.newPage()
      await tab.goto(sandbox.ehrLaunch({ launchUrl: `${app.origin}/launch`, patient }))
      await tab.getByRole('button', { name: 'Allow' }).click()
      await tab.getByRole('heading', { name }).waitFor()
      return { tab, name }
    }
    const tabs = [await open('amber-testwell', 'Amber Testwell'), await open('basil-mockridge', 'Basil Mockridge')]
    sandbox.clearRequests()
    for (const path of ['Labs', 'Chart']) {
      offset += TOKEN_SECONDS * 1000
      for (const { tab, name } of tabs) {
        // A script gets a 401, and its page has to be opened anew.
        await tab.getByRole('button', { name: 'Ask' }).click()
        await tab.locator('output', { hasText: '401 login_required' }).waitFor()
        await tab.getByRole('link', { name: path, exact: true }).click()
        await tab.locator('#at', { hasText: `/${path.toLowerCase()}` }).waitFor()
        expect(await tab.getByRole('heading').textContent()).toBe(name)
        await tab.getByRole('button', { name: 'Ask' }).click()
        await tab.locator('output', { hasText: `200 ${name}` }).waitFor()
      }
    }
    expect(sandbox.requestsTo('/authorize')).toEqual([])
    expect(sandbox.requestsTo('/token')).toHaveLength(4)
    expect(sandbox.refreshReuseDetections).toBe(0)
  })
})
