import { startNodeApp } from '@fhir-auth/conformance'
import { chromiumPath, launchChromium, type Page } from '@fhir-auth/conformance/chromium'
import {
  type BackendServicesOptions,
  backendServices,
  clientSecretBasic,
  createBackendServices,
  fhirErrors,
  fhirOf,
  intelichart,
  loadKeySet,
  requireFhir,
  smartLaunch,
} from '@fhir-auth/express'
import { createSandbox, type Sandbox, type SandboxMode } from '@fhir-auth/sandbox'
import axe from 'axe-core'
import express from 'express'
import { describe, expect, it, onTestFinished } from 'vitest'

const CLIENT_SECRET = crypto.randomUUID()

/** A portal and a job, and the sandbox that they are registered at. */
async function startApps(mode: SandboxMode) {
  const sandbox = await createSandbox({ mode, inspector: true, accessTokenSeconds: 20 })
  onTestFinished(() => sandbox.close())
  const clock = { ahead: 0 }
  let job: BackendServicesOptions | undefined
  const { origin, close } = await startNodeApp(async (own) => {
    const redirectUris = [`${own}/callback`]
    const jwksUrl = `${own}/.well-known/jwks.json`
    sandbox.registerClient({ clientId: 'portal', clientSecret: CLIENT_SECRET, redirectUris })
    sandbox.registerClient({ clientId: 'job', jwksUrl })
    job = {
      fhirBaseUrl: sandbox.fhirBaseUrl,
      clientId: 'job',
      keys: await loadKeySet(await privateJwk()),
      scope: 'system/Patient.rs',
      ...(mode === 'intelichart' && { dialect: intelichart({ jwksUrl }) }),
    }
    const app = express()
    app.get('/.well-known/jwks.json', backendServices(job))
    app.use(
      smartLaunch({
        fhirBaseUrl: sandbox.fhirBaseUrl,
        clientId: 'portal',
        clientAuth: clientSecretBasic(CLIENT_SECRET),
        redirectUri: `${own}/callback`,
        scope: 'launch launch/patient openid fhirUser patient/*.rs offline_access',
        session: { secret: crypto.randomUUID() + crypto.randomUUID() },
        now: () => Date.now() + clock.ahead,
        log: false,
        ...(mode === 'intelichart' && { dialect: intelichart() }),
      }),
    )
    app.get(['/', '/me'], requireFhir({ patient: true }), async (req, res) => {
      const fhir = fhirOf(req)
      res.json(await fhir.json(`Patient/${fhir.patient}`))
    })
    app.use(fhirErrors())
    return app
  })
  onTestFinished(close)
  return { sandbox, origin, clock, job: () => createBackendServices(job as BackendServicesOptions) }
}

async function privateJwk(): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-384' }
  const { privateKey } = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  return JSON.stringify({ keys: [{ ...(await crypto.subtle.exportKey('jwk', privateKey)), kid: 'a', alg: 'ES384' }] })
}

async function openBrowser(): Promise<() => Promise<Page>> {
  const browser = await launchChromium()
  onTestFinished(() => browser.close())
  return () => browser.newPage()
}

/** Goes through the pages of the sandbox as a person does: an EHR launch has one, another login two. */
async function signIn(tab: Page, issuer: string): Promise<void> {
  while (tab.url().startsWith(issuer)) {
    const moved = tab.waitForEvent('framenavigated') // the consent may have the same address as the sign-in
    await tab.locator('button').first().click()
    await moved
  }
}

const step = (inspector: Page, title: string) => inspector.locator('li', { hasText: title }).last()
const rules = (inspector: Page, title: string) => step(inspector, title).locator('.verdicts li').allTextContents()
/** Everything that the page holds, closed parts too. */
const all = (inspector: Page) => inspector.evaluate<string>('document.documentElement.outerHTML')

const secretsOf = (sandbox: Sandbox): string[] =>
  sandbox.requests
    .flatMap(({ form, headers }) => [
      ...['code', 'code_verifier', 'refresh_token', 'client_assertion'].map((name) => form.get(name)),
      headers.authorization?.split(' ')[1] ?? null,
    ])
    .filter((secret) => secret !== null)

describe.skipIf(!chromiumPath)('the inspector of the sandbox, in a browser', { timeout: 180_000 }, () => {
  it('shows both InteliChart flows, a refresh and a refused assertion as they happen, without a secret', async () => {
    const { sandbox, origin, clock, job } = await startApps('intelichart')
    const newPage = await openBrowser()
    const inspector = await newPage()
    await inspector.goto(`${sandbox.issuer}/inspector`)
    await inspector.getByText('Nothing has happened yet').waitFor()

    const person = await newPage()
    await person.goto(`${origin}/me`)
    await signIn(person, sandbox.issuer)
    await person.getByText('resourceType').waitFor()
    await step(inspector, 'The app exchanges the code for a token').waitFor()
    expect(await rules(inspector, 'The app exchanges the code for a token')).toEqual(
      expect.arrayContaining([expect.stringMatching(/^✓ code_verifier fits the code_challenge .*RFC 7636/)]),
    )

    clock.ahead = 30_000
    await person.goto(`${origin}/me`)
    await step(inspector, 'The app renews its token').waitFor()

    await job().context()
    await step(inspector, 'A system signs in with its key').waitFor()
    const claims = step(inspector, 'A system signs in with its key').locator('table', { hasText: 'claims' })
    expect(await claims.locator('th').allTextContents()).toEqual(
      expect.arrayContaining(['jti', 'jwks_url', 'accessTokensExpireIn']),
    )
    expect(await inspector.locator('.breaks').count()).toBe(0)

    sandbox.registerClient({ clientId: 'job', jwksUrl: `${origin}/moved/jwks.json` })
    await expect(job().context()).rejects.toMatchObject({ code: 'token_request_refused' })
    await inspector.getByText('✗ jwks_url is the registered one').first().waitFor()
    expect(await rules(inspector, 'A system signs in with its key')).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^✗ the server refuses: invalid_client, jwks_url .*RFC 6749 §5\.2/),
      ]),
    )

    const shown = await all(inspector)
    const secrets = [CLIENT_SECRET, ...secretsOf(sandbox)]
    expect(secrets.length).toBeGreaterThan(8)
    for (const secret of secrets) expect(shown.includes(secret)).toBe(false)
  })

  it('shows an EHR launch, and a fault that a click has switched on', async () => {
    const { sandbox, origin } = await startApps('smart')
    const newPage = await openBrowser()
    const inspector = await newPage()
    await inspector.goto(`${sandbox.issuer}/inspector`)

    const person = await newPage()
    await person.goto(sandbox.ehrLaunch({ launchUrl: `${origin}/launch`, patient: sandbox.patients[1]?.id ?? '' }))
    await signIn(person, sandbox.issuer)
    await person.getByText('resourceType').waitFor()
    await step(inspector, 'The app reads Patient').waitFor()
    expect(await rules(inspector, 'The app sends the person to the server')).toEqual(
      expect.arrayContaining([expect.stringMatching(/^✓ an EHR launch asks for the scope launch/)]),
    )
    expect(await inspector.locator('.breaks').count()).toBe(0)

    const fault = inspector.getByRole('button', { name: 'The FHIR API asks for patience' })
    await fault.click()
    await inspector.locator('button[aria-pressed=true]').waitFor()
    const answer = await person.goto(`${origin}/me`)
    expect([answer?.status(), answer?.headers()['retry-after']]).toEqual([429, '30'])
    await inspector.locator('.status', { hasText: '429' }).waitFor()
    await inspector.getByRole('button', { name: 'The FHIR API asks for patience' }).click()
    await inspector.locator('button[aria-pressed=true]').waitFor({ state: 'detached' })
    expect((await person.goto(`${origin}/me`))?.status()).toBe(200)

    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [390, 1280]) {
        await inspector.emulateMedia({ colorScheme })
        await inspector.setViewportSize({ width, height: 844 })
        await inspector.evaluate("document.querySelectorAll('details').forEach((all) => { all.open = true })")
        const folder = process.env.SCREENSHOTS
        if (folder) await inspector.screenshot({ path: `${folder}/inspector-${colorScheme}-${width}.png` })
        await inspector.evaluate(axe.source)
        const { violations } = await inspector.evaluate<{ violations: { id: string }[] }>('axe.run()')
        const isWider = await inspector.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth')
        expect({ colorScheme, width, violations: violations.map(({ id }) => id), isWider }).toEqual({
          colorScheme,
          width,
          violations: [],
          isWider: false,
        })
      }
    }
  })
})
