import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startNodeApp } from '@fhir-auth/conformance'
import { type BrowserContext, chromiumPath, launchChromium, type Page } from '@fhir-auth/conformance/chromium'
import { createSandbox, type Sandbox } from '@fhir-auth/sandbox'
import axe from 'axe-core'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createPortal } from '../src/portal.ts'

const AMBER = { id: 'amber-testwell', name: 'Amber Testwell' }
const BASIL = { id: 'basil-mockridge', name: 'Basil Mockridge' }
const DEEDS = 50
const SCREENS = [
  { width: 390, height: 844 },
  { width: 1280, height: 800 },
]

let sandbox: Sandbox
let pageFolder: string
let browser: Awaited<ReturnType<typeof launchChromium>>

describe.skipIf(!chromiumPath)('the portal in Chromium', () => {
  beforeAll(async () => {
    pageFolder = await mkdtemp(join(tmpdir(), 'spa-portal-'))
    const root = join(import.meta.dirname, '..')
    await build({
      configFile: join(root, 'vite.config.ts'),
      root: join(root, 'src/page'),
      logLevel: 'warn',
      resolve: { conditions: ['@fhir-auth/source'] },
      build: { outDir: pageFolder },
    })
    sandbox = await createSandbox({ consent: 'auto' })
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await sandbox?.close()
    await rm(pageFolder, { recursive: true, force: true })
  })

  it('shows the record and takes answers, under its Content-Security-Policy, and no token comes within reach', async () => {
    const app = await startPortal()
    const context = await newContext()
    const seen = await watchAll(context)
    sandbox.clearRequests()
    const page = await openFromEhr(context, app.origin, AMBER)
    await answerQuestions(page)
    await page.getByText('Sent so far: 1').waitFor()
    await page.reload()
    await page.getByText('Sent so far: 1').waitFor()
    await page.getByRole('img', { name: 'Blood pressure and pulse' }).waitFor()

    const secrets = secretsOfSandbox()
    expect(secrets.length).toBeGreaterThanOrEqual(2) // the client's secret, and a token
    const stored = await page.evaluate(async () => {
      const databases = await indexedDB.databases()
      return JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, databases, location.href])
    })
    expect(stored).toContain('"",[],') // no cookie that a script can read, no database
    for (const text of [...seen.texts, stored]) {
      for (const secret of secrets) expect(text.includes(secret)).toBe(false)
    }
    expect(seen.texts.length).toBeGreaterThan(8)
    expect(seen.faults).toEqual([])
  })

  it(`keeps two patients in two tabs apart through ${DEEDS} interleaved reads and writes`, async () => {
    const app = await startPortal()
    const context = await newContext()
    const people = [AMBER, BASIL]
    const tabs: Page[] = []
    for (const person of people) tabs.push(await openFromEhr(context, app.origin, person))
    const before = await Promise.all(tabs.map(countOf))
    sandbox.clearRequests()
    for (let deed = 0; deed < DEEDS / 2; deed++) {
      await Promise.all(
        tabs.map(async (tab, index) => {
          if (deed % 5 === 0) await tab.reload()
          else await answerAtOnce(tab)
          await tab.getByRole('heading', { name: people[index]?.name ?? '', level: 1 }).waitFor()
        }),
      )
    }
    for (const [index, tab] of tabs.entries()) {
      await tab.reload()
      await tab.getByRole('heading', { name: people[index]?.name ?? '', level: 1 }).waitFor()
      const other = people[1 - index]
      const text = await tab.locator('body').textContent()
      expect(text).not.toContain(other?.name)
    }
    const writes = sandbox.requests.filter(({ method, path }) => method === 'POST' && path.includes('/Questionnaire'))
    expect(writes.map(({ status }) => status)).toEqual(Array(DEEDS - 2 * Math.ceil(DEEDS / 10)).fill(201))
    const after = await Promise.all(tabs.map(countOf))
    expect(after).toEqual(before.map((count) => count + writes.length / 2))
    expect(patientsByToken().map((patients) => [...patients])).toEqual([[AMBER.id], [BASIL.id]])
  })

  it('says calmly that the session ends, and leads back to where the person was', async () => {
    // Under the five minutes before which the notice is shown.
    const app = await startPortal({ sessionSeconds: 120 })
    const page = await openFromEhr(await newContext(), app.origin, AMBER)
    await page.getByRole('link', { name: 'Conditions' }).click()
    await page.getByRole('status').getByText('Your session ends at').waitFor()
    sandbox.revokeAll()
    await answerQuestions(page, { isSent: false })
    await page.getByRole('status').getByText('Your session has ended.').waitFor()
    await page.getByRole('link', { name: 'Log in again' }).click()
    await page.getByRole('status').getByText('Your session ends at').waitFor()
    expect(new URL(page.url()).hash).toBe('#conditions')
  })

  it('a logout in one tab is seen in the other', async () => {
    const app = await startPortal()
    const context = await newContext()
    const first = await openFromEhr(context, app.origin, AMBER)
    const second = await context.newPage()
    await second.goto(first.url())
    await second.getByRole('heading', { name: AMBER.name }).waitFor()
    await second.getByRole('button', { name: 'Log out' }).click()
    await first.getByText('Your session has ended.').waitFor()
  })

  it.each(SCREENS.flatMap((screen) => (['light', 'dark'] as const).map((colorScheme) => ({ ...screen, colorScheme }))))(
    'can be used by everybody: $width wide, $colorScheme',
    async ({ colorScheme, ...viewport }) => {
      const app = await startPortal({ sessionSeconds: 120 })
      const context = await browser.newContext({ viewport, colorScheme, bypassCSP: true })
      onTestFinished(() => context.close())
      const page = await context.newPage()
      const judge = async (name: string) => {
        const shots = process.env.SCREENSHOTS
        if (shots)
          await page.screenshot({
            path: join(shots, `spa-${name}-${viewport.width}-${colorScheme}.png`),
            fullPage: true,
          })
        await page.evaluate(axe.source)
        const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run())
        expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([])
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(viewport.width)
      }
      await page.goto(app.origin)
      await page.getByRole('link', { name: 'Log in' }).waitFor()
      await judge('welcome')
      await page.goto(sandbox.ehrLaunch({ launchUrl: `${app.origin}/launch`, patient: AMBER.id }))
      await page.getByText('Sent so far: ').waitFor()
      await judge('chart')
    },
  )
})

async function startPortal(more: { sessionSeconds?: number } = {}): Promise<{ origin: string }> {
  const app = await startNodeApp((origin) => {
    const client = { clientId: crypto.randomUUID(), clientSecret: crypto.randomUUID() }
    sandbox.registerClient({ ...client, redirectUris: [`${origin}/callback`] })
    const sessionSecret = crypto.randomUUID()
    return createPortal({ origin, fhirBaseUrl: sandbox.fhirBaseUrl, ...client, sessionSecret, pageFolder, ...more })
  })
  onTestFinished(() => app.close())
  return app
}

async function newContext(): Promise<BrowserContext> {
  const context = await browser.newContext()
  onTestFinished(() => context.close())
  return context
}

async function openFromEhr(
  context: BrowserContext,
  origin: string,
  patient: { id: string; name: string },
): Promise<Page> {
  const page = await context.newPage()
  await page.goto(sandbox.ehrLaunch({ launchUrl: `${origin}/launch`, patient: patient.id }))
  await page.getByRole('heading', { name: patient.name, level: 1 }).waitFor()
  return page
}

async function answerQuestions(page: Page, { isSent = true } = {}): Promise<void> {
  for (const group of await page.getByRole('group').all()) await group.getByLabel('Several days').check()
  await page.getByRole('button', { name: 'Send' }).click()
  await page.getByText(isSent ? 'Thank you.' : 'were not sent').waitFor()
}

/** As `answerQuestions()`, without a mouse: a tab in the background paints only once a second. */
async function answerAtOnce(page: Page): Promise<void> {
  const before = await countOf(page)
  await page.locator('form', { hasText: 'How often' }).evaluate((form: HTMLFormElement) => {
    for (const input of form.querySelectorAll<HTMLInputElement>('input[value="1"]')) input.checked = true
    form.requestSubmit()
  })
  await page.getByText(`Sent so far: ${before + 1}`, { exact: true }).waitFor()
}

async function countOf(page: Page): Promise<number> {
  const text = await page.getByText(/Sent so far: \d/).textContent()
  return Number(text?.replace(/\D/g, ''))
}

/** The patients that requests with each token have named. */
function patientsByToken(): Set<string>[] {
  const byToken = new Map<string, Set<string>>()
  for (const { headers, url, body } of sandbox.requests) {
    const token = headers.authorization
    if (!token?.startsWith('Bearer ')) continue
    const patients = byToken.get(token) ?? new Set()
    byToken.set(token, patients)
    for (const [, id = ''] of `${url} ${body}`.matchAll(/(?:Patient\/|patient=)([a-z-]+)/g)) patients.add(id)
  }
  return [...byToken.values()].sort((a, b) => [...a].join().localeCompare([...b].join()))
}

/** What the app's server has sent to the sandbox and the browser must not know. */
function secretsOfSandbox(): string[] {
  const secrets = sandbox.requests.flatMap(({ headers: { authorization = '' }, form }) => {
    const [scheme, value = ''] = authorization.split(' ')
    return scheme === 'Basic' ? atob(value).split(':').slice(1) : [value, form.get('code_verifier') ?? '']
  })
  return [...new Set(secrets)].filter((secret) => secret !== '')
}

/** Everything that a page of the app gets or hears, and whatever its browser complains of. */
async function watchAll(context: BrowserContext): Promise<{ texts: string[]; faults: string[] }> {
  const texts: string[] = []
  const faults: string[] = []
  context.on('console', (message) => {
    texts.push(message.text())
    if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text())
  })
  context.on('weberror', (error) => faults.push(String(error.error())))
  context.on('response', async (response) => {
    if (response.url().startsWith(sandbox.issuer)) return
    const headers = await response.allHeaders()
    // The cookie is sealed, and no script can read it.
    texts.push(JSON.stringify(headers), await response.text().catch(() => ''))
  })
  await context.exposeFunction('tellTest', (text: string) => texts.push(text))
  await context.addInitScript(() => {
    const tell = (text: string) => (globalThis as unknown as { tellTest(text: string): void }).tellTest(text)
    new BroadcastChannel('fhir-auth').addEventListener('message', ({ data }) => tell(JSON.stringify(data)))
    addEventListener('message', ({ data }) => tell(JSON.stringify(data)))
    addEventListener('securitypolicyviolation', ({ violatedDirective }) => console.error(violatedDirective))
  })
  return { texts, faults }
}
