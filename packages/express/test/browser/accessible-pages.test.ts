import { chromiumPath, launchChromium, type Page } from '@fhir-auth/conformance/chromium'
import { type Answer, createFhirGuard, failureAnswer, MissingContext } from '@fhir-auth/core/adapter'
import {
  createSmartLaunch,
  defineDialect,
  errorCodes,
  FhirAuthError,
  type PageOptions,
  publicClient,
  type SmartLaunch,
} from '@fhir-auth/express'
import axe from 'axe-core'
import { describe, expect, it, onTestFinished } from 'vitest'

const ORIGIN = 'https://chart.example'
const APP_NAME = 'Hospital Portal of Saint Bartholomew’s & Partners'
const PHONE = { width: 390, height: 844 }
const DESKTOP = { width: 1280, height: 800 }
const SETTINGS = [PHONE, DESKTOP].flatMap((screen) => [
  { ...screen, colorScheme: 'light' as const },
  { ...screen, colorScheme: 'dark' as const },
])

/** Of one server or several; they are not asked, since everything about them is given. */
function createLaunch(hosts: string[], pages: PageOptions): SmartLaunch {
  const servers = hosts.map((host) => ({
    fhirBaseUrl: `https://${host}/fhir`,
    clientId: 'chart',
    clientAuth: publicClient(),
    scope: 'launch patient/*.rs',
    metadata: {
      authorization_endpoint: `https://${host}/authorize`,
      token_endpoint: `https://${host}/token`,
    },
    dialect: defineDialect('authorize-post', { authorization: { method: 'POST' } }),
  }))
  return createSmartLaunch({
    registrations: servers,
    redirectUri: `${ORIGIN}/callback`,
    allowSharedRedirectUri: true,
    session: { secret: crypto.randomUUID(), sameSite: 'none' },
    pages,
    log: false,
  })
}

/** A person's browser opens this address. */
function visit(url: string, headers: Record<string, string> = {}) {
  const all: Record<string, string> = { accept: 'text/html', host: 'chart.example', ...headers }
  return { method: 'GET', url, header: (name: string) => all[name] }
}

/** Every page that this library shows, by its title. */
async function everyPage(pages: PageOptions): Promise<Map<string, Answer>> {
  const launch = createLaunch(['ehr.example'], pages)
  const guard = createFhirGuard()
  const problems = errorCodes.flatMap((code) => {
    const oauth = { error: 'access_denied', error_uri: 'https://ehr.example/why' }
    const error = new FhirAuthError(code, 'The server at ehr.example said no.', { oauth })
    const request = visit('/chart')
    return [
      guard(new MissingContext(launch, error), request),
      failureAnswer(error, new MissingContext(launch), request),
    ]
  })
  const frame = `/launch?iss=${encodeURIComponent('https://ehr.example/fhir')}&launch=1&cookie_check=1`
  const others = await Promise.all([
    launch.answer(visit('/callback?code=1&state=2')),
    launch.answer(visit('/login')),
    launch.answer(visit(frame, { 'sec-fetch-dest': 'iframe' })),
    createLaunch(['ehr.example', 'clinic.example'], pages).answer(visit('/login')),
  ])
  const shown = [...problems, ...others].filter((answer) => answer !== undefined)
  return new Map(shown.filter(({ body }) => body.startsWith('<!doctype html>')).map((page) => [titleOf(page), page]))
}

const titleOf = ({ body }: Answer): string => /<title>(.*)<\/title>/.exec(body)?.[1] ?? ''

/** Shows this answer with its headers: its styles are those that its Content-Security-Policy lets in. */
async function show(tab: Page, { status, headers, body }: Answer): Promise<void> {
  // As where scripts are blocked: a form that sends itself would leave its page.
  const policy = headers['content-security-policy']?.replace(/script-src [^;]*;/, '') ?? ''
  const answer = { status, headers: { ...headers, 'content-security-policy': policy }, body }
  await tab.unroute('**')
  await tab.route('**', (route) => route.fulfill(answer))
  await tab.goto(ORIGIN, { timeout: 0 })
}

/** What axe-core finds wrong, best practices included, and whether the page is wider than its screen. */
async function faults(tab: Page): Promise<string[]> {
  const { violations } = await tab.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>('axe.run()')
  const isWider = await tab.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth')
  const found = violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
  return isWider ? [...found, 'wider than the screen'] : found
}

/** The control that has the focus, by its place among all, and whether it shows that. */
const FOCUS = `({
  place: [...document.querySelectorAll('a, button')].indexOf(document.activeElement),
  isShown: getComputedStyle(document.activeElement).outlineStyle !== 'none',
})`

describe.skipIf(!chromiumPath)('every page of this library, in a browser', () => {
  it('is accessible by axe-core and by keyboard, light and dark, on a phone and on a desktop', {
    timeout: 300_000,
  }, async () => {
    const browser = await launchChromium()
    onTestFinished(() => browser.close())
    const tab = await browser.newPage()
    const pages = await everyPage({ appName: APP_NAME, appUrl: '/start' })
    expect([...pages.keys()]).toEqual(expect.arrayContaining(['Log in at', 'Continue to log in', 'Open the app']))
    for (const [title, answer] of pages) {
      await show(tab, answer)
      expect({ title, name: await tab.locator('.app').textContent() }).toEqual({ title, name: APP_NAME })
      const count = await tab.locator('a, button').count()
      for (let place = 0; place < count; place++) {
        await tab.keyboard.press('Tab')
        expect({ title, ...(await tab.evaluate<object>(FOCUS)) }).toEqual({ title, place, isShown: true })
      }
      await tab.evaluate(axe.source)
      for (const { width, height, colorScheme } of SETTINGS) {
        await tab.setViewportSize({ width, height })
        await tab.emulateMedia({ colorScheme })
        const shown = { title, width, colorScheme }
        expect({ ...shown, faults: await faults(tab) }).toEqual({ ...shown, faults: [] })
      }
    }
  })
})
