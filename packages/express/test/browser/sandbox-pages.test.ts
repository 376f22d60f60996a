import { chromiumPath, launchChromium, type Page } from '@fhir-auth/conformance/chromium'
import { createSandbox } from '@fhir-auth/sandbox'
import axe from 'axe-core'
import { describe, expect, it, onTestFinished } from 'vitest'

const SETTINGS = [390, 1280].flatMap((width) =>
  (['light', 'dark'] as const).map((colorScheme) => ({ width, colorScheme })),
)

/** What axe-core finds wrong, and whether the page is wider than its screen, in each setting. */
async function faults(tab: Page, name: string): Promise<string[]> {
  const found: string[] = []
  await tab.evaluate(axe.source)
  for (const { width, colorScheme } of SETTINGS) {
    await tab.setViewportSize({ width, height: 844 })
    await tab.emulateMedia({ colorScheme })
    const { violations } = await tab.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>(
      'axe.run({ iframes: false })',
    )
    const isWider = await tab.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth')
    const here = violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
    found.push(
      ...[...here, ...(isWider ? ['wider than the screen'] : [])].map((fault) => `${colorScheme} ${width}: ${fault}`),
    )
    const folder = process.env.SCREENSHOTS
    if (folder) await tab.screenshot({ path: `${folder}/${name}-${colorScheme}-${width}.png` })
  }
  return found
}

describe.skipIf(!chromiumPath)('every page of the sandbox, in a browser', { timeout: 180_000 }, () => {
  it('is accessible by axe-core, light and dark, on a phone and on a desktop', async () => {
    const redirectUri = 'http://127.0.0.1:9/callback'
    const sandbox = await createSandbox({ clients: [{ clientId: 'portal', redirectUris: [redirectUri] }] })
    onTestFinished(() => sandbox.close())
    const browser = await launchChromium()
    onTestFinished(() => browser.close())
    const tab = await browser.newPage()
    const url = (redirect: string) =>
      `${sandbox.issuer}/authorize?${new URLSearchParams({
        response_type: 'code',
        client_id: 'portal',
        redirect_uri: redirect,
        scope: 'openid fhirUser launch/patient patient/*.rs patient/Observation.c offline_access',
        state: 'a-state',
        aud: sandbox.fhirBaseUrl,
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        code_challenge_method: 'S256',
      })}`

    await tab.goto(url(redirectUri))
    expect(await tab.title()).toBe('Sign in')
    expect(await faults(tab, 'sign-in')).toEqual([])
    await tab.getByRole('button', { name: 'Continue' }).click()
    await tab.getByRole('button', { name: 'Allow' }).waitFor()
    expect(await tab.locator('fieldset').textContent()).toContain('Read and search everything in this record')
    expect(await faults(tab, 'consent')).toEqual([])

    await tab.goto(url('http://127.0.0.1:9/other'))
    expect(await tab.title()).toBe('The request was refused')
    expect(await faults(tab, 'refusal')).toEqual([])
    await tab.goto(`${sandbox.issuer}/interaction/none`)
    expect(await tab.title()).toBe('This sign-in is over')
    expect(await faults(tab, 'over')).toEqual([])

    await tab.goto(`${sandbox.issuer}/ehr`)
    expect(await faults(tab, 'ehr')).toEqual([])
    await tab.getByRole('button', { name: 'Open the app' }).click()
    await tab.locator('iframe').waitFor()
    expect(await faults(tab, 'ehr-launched')).toEqual([])
    await tab.getByLabel('In a new tab').check()
    await tab.getByRole('button', { name: 'Open the app' }).click()
    await tab.getByRole('link', { name: /in a new tab/ }).waitFor()
    expect(await faults(tab, 'ehr-tab')).toEqual([])
  })
})
