import type { Server } from 'node:http'
import { clientSecretBasic } from '@fhir-auth/express'
import { createSandbox, type Sandbox } from '@fhir-auth/sandbox'
import { expect, test } from '@playwright/test'
import { createApp } from './app.ts'

const origin = 'http://127.0.0.1:3017'
let sandbox: Sandbox
let server: Server

test.beforeAll(async () => {
  // 'auto' leaves out the sign-in and consent pages of the sandbox.
  sandbox = await createSandbox({ consent: 'auto' })
  const client = { clientId: 'portal', clientSecret: 'only for tests' }
  sandbox.registerClient({ ...client, redirectUris: [`${origin}/callback`] })
  const app = createApp({
    fhirBaseUrl: sandbox.fhirBaseUrl,
    clientId: client.clientId,
    clientAuth: clientSecretBasic(client.clientSecret),
    redirectUri: `${origin}/callback`,
    scope: 'openid fhirUser launch launch/patient patient/*.rs',
    session: { secret: crypto.randomUUID() },
  })
  await new Promise<void>((resolve) => {
    server = app.listen(3017, '127.0.0.1', () => resolve())
  })
})

test.afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await sandbox.close()
})

test('a person logs in and sees a chart', async ({ page }) => {
  await page.goto(origin)
  await expect(page.getByText('Chart of')).toBeVisible()
})

test('the EHR opens the app with a patient', async ({ page }) => {
  await page.goto(sandbox.ehrLaunch({ launchUrl: `${origin}/launch`, patient: 'amber-testwell' }))
  await expect(page.getByText('Amber Testwell')).toBeVisible()
})

test('a session that has ended leads to a new login', async ({ page, context }) => {
  await page.goto(origin)
  await context.clearCookies()
  await page.goto(origin)
  await expect(page.getByText('Chart of')).toBeVisible()
})
