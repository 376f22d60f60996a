import { startNodeApp } from '@fhir-auth/conformance'
import { type BrowserContext, chromiumPath, launchChromium, type Page } from '@fhir-auth/conformance/chromium'
import { clientSecretBasic } from '@fhir-auth/express'
import { createSandbox, type Sandbox } from '@fhir-auth/sandbox'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createChartApp } from './chart-app.ts'

const CLICKS = 50
const AMBER = { id: 'amber-testwell', name: 'Amber Testwell' }
const BASIL = { id: 'basil-mockridge', name: 'Basil Mockridge' }

let sandbox: Sandbox
let app: Awaited<ReturnType<typeof startNodeApp>>
let browser: Awaited<ReturnType<typeof launchChromium>>

// 'auto' leaves out the pages of the authorization server; who the patient is, the launch from the EHR says.
beforeAll(async () => {
  sandbox = await createSandbox({ consent: 'auto' })
  app = await startNodeApp((origin) => {
    const client = { clientId: 'chart', clientSecret: crypto.randomUUID() }
    sandbox.registerClient({ ...client, redirectUris: [`${origin}/callback`] })
    return createChartApp({
      fhirBaseUrl: sandbox.fhirBaseUrl,
      clientId: client.clientId,
      clientAuth: clientSecretBasic(client.clientSecret),
      redirectUri: `${origin}/callback`,
      scope: 'openid fhirUser launch patient/*.rs',
      session: { secret: crypto.randomUUID() },
      paths: { home: '/chart' },
    })
  })
  if (chromiumPath) browser = await launchChromium()
})
afterAll(async () => {
  await browser?.close()
  await app.close()
  await sandbox.close()
})

/** A new browser profile. */
async function profile(): Promise<BrowserContext> {
  const context = await browser.newContext()
  onTestFinished(() => context.close())
  return context
}

/** The EHR opens the app in a tab of its own. */
async function openFromEhr(context: BrowserContext, patient: { id: string }, encounter?: string): Promise<Page> {
  const tab = await context.newPage()
  const launch = { launchUrl: `${app.origin}/launch`, patient: patient.id }
  await tab.goto(sandbox.ehrLaunch(encounter === undefined ? launch : { ...launch, encounter }))
  return tab
}

/** Clicks, and waits until the page that it leads to is there. */
async function follow(tab: Page, role: 'link' | 'button', name: string): Promise<void> {
  const loaded = tab.waitForEvent('load')
  await tab.getByRole(role, { name, exact: true }).click()
  await loaded
}

/** What a person does on a page. Nothing in it names a launch. */
const DEEDS: readonly ((tab: Page) => Promise<void>)[] = [
  (tab) => follow(tab, 'link', 'Chart'),
  async (tab) => {
    await tab.getByRole('button', { name: 'Ask' }).click()
    await tab.locator('output', { hasText: /./ }).waitFor()
  },
  (tab) => follow(tab, 'link', 'Labs'),
  async (tab) => {
    await tab.getByLabel('Words').fill('a & launch_id=x')
    await follow(tab, 'button', 'Search')
    expect(await tab.locator('#at').textContent()).toBe('/search a%20%26%20launch_id%3Dx')
  },
  (tab) => follow(tab, 'button', 'Save note'),
  (tab) => tab.reload().then(),
  (tab) => tab.goBack().then(),
]

const textOf = async (tab: Page) => `${await tab.locator('body').textContent()} ${await tab.title()}`

describe.skipIf(!chromiumPath)('two patients in two tabs of one browser', { timeout: 60_000 }, () => {
  it(`EHR-06 each tab keeps its patient through ${CLICKS} interleaved clicks that name no launch`, async () => {
    const context = await profile()
    const tabs = [
      { tab: await openFromEhr(context, AMBER), own: AMBER, other: BASIL },
      { tab: await openFromEhr(context, BASIL), own: BASIL, other: AMBER },
    ]
    let clicks = 0
    // Both tabs at once, and out of step: a request of one is often under way while the other clicks.
    while (clicks < CLICKS) {
      await Promise.all(
        tabs.map(async ({ tab, own, other }, index) => {
          await DEEDS[(clicks + index * 3) % DEEDS.length]?.(tab)
          const text = await textOf(tab)
          expect(text).toContain(own.name)
          expect(text).not.toContain(other.name)
        }),
      )
      clicks += tabs.length
    }
    expect(await textOf(tabs[0]!.tab)).not.toEqual(await textOf(tabs[1]!.tab))
  })

  it('EHR-06 a tab opened from a link keeps the patient of the page it was opened from', async () => {
    const context = await profile()
    for (const patient of [AMBER, BASIL]) {
      const tab = await openFromEhr(context, patient)
      const opened = context.waitForEvent('page')
      await tab.getByRole('link', { name: 'Labs in a new tab' }).click()
      const second = await opened
      await second.getByRole('heading', { name: patient.name }).waitFor()
      await follow(second, 'link', 'Chart')
      expect(await textOf(second)).toContain(patient.name)
    }
  })

  it('EHR-06 a typed address and a page without a referrer are refused and not guessed', async () => {
    const context = await profile()
    const tab = await openFromEhr(context, AMBER)
    await openFromEhr(context, BASIL)

    const typed = await context.newPage()
    const answer = await typed.goto(`${app.origin}/chart`)
    expect(answer?.status()).toBe(409)
    expect(await textOf(typed)).toContain('Which patient?')

    await follow(tab, 'link', 'Private')
    expect(await textOf(tab)).toContain(AMBER.name)
    await tab.getByRole('button', { name: 'Ask' }).click()
    await tab.locator('output', { hasText: '409 ambiguous_launch' }).waitFor()
    await follow(tab, 'link', 'Chart')
    const text = await textOf(tab)
    expect(text).toContain('You have more than one patient open')
    expect(text).not.toMatch(/Amber|Basil/)
  })

  it('EHR-06 two encounters of one patient are two launches', async () => {
    const context = await profile()
    const [first, second] = sandbox.patients.find(({ id }) => id === AMBER.id)?.encounters ?? []
    const tabs = [await openFromEhr(context, AMBER, first), await openFromEhr(context, AMBER, second)]
    for (const click of ['Labs', 'Chart', 'Labs']) {
      for (const [index, tab] of tabs.entries()) {
        await follow(tab, 'link', click)
        expect(await tab.locator('#encounter').textContent()).toBe([first, second][index])
      }
    }
  })

  it('EHR-06 a launch that is opened again in the EHR takes the place of the old one', async () => {
    const context = await profile()
    const old = await openFromEhr(context, AMBER)
    const other = await openFromEhr(context, BASIL)
    const again = await openFromEhr(context, AMBER)
    expect(await textOf(again)).toContain(AMBER.name)
    await follow(other, 'link', 'Labs')
    expect(await textOf(other)).toContain(BASIL.name)
    await old.reload()
    expect(await textOf(old)).not.toContain(BASIL.name)
  })
})
