import { type BrowserContext, chromiumPath, launchChromium, type Page } from '@fhir-auth/conformance/chromium'
import type { Observation, Patient } from 'fhir/r4.js'
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, it, onTestFinished } from 'vitest'
import type { FhirClient, FhirClientError, Problem, Session } from '../src/index.ts'
import { type ProxyStandIn, startProxyStandIn } from './proxy-stand-in.ts'

declare global {
  /** The package, as the page has it. */
  var fhirAuth: typeof import('../src/index.ts')
  var seen: Session[]
  var problems: Problem[]
}

let server: ProxyStandIn
let browser: Awaited<ReturnType<typeof launchChromium>>

describe.skipIf(!chromiumPath)('@fhir-auth/browser in Chromium, where scripts of the app alone may run', () => {
  beforeAll(async () => {
    server = await startProxyStandIn()
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })
  beforeEach(() => {
    server.requests.length = 0
    server.session = { launchId: 'of-server', patient: '1' }
  })

  it('reads JSON, names the launch of the address, and says that a script asks', async () => {
    const page = await open('/chart?launch_id=abc')
    expect(await page.evaluate(() => fhirAuth.createFhirClient().get('Patient/1'))).toEqual({
      resourceType: 'Patient',
      id: '1',
    })
    expect(server.requests).toMatchObject([
      {
        url: '/fhir/Patient/1',
        headers: { 'fhir-launch-id': 'abc', 'fhir-auth-request': '1', accept: 'application/fhir+json' },
      },
    ])
  })

  it('keeps to the launch that the page has chosen, and writes', async () => {
    const page = await open('/chart?launch_id=abc')
    const status = await page.evaluate(async () => {
      const fhir = fhirAuth.createFhirClient({ launchId: 'chosen' })
      const body = JSON.stringify({ resourceType: 'QuestionnaireResponse', status: 'completed' })
      return (await fhir.fetch('QuestionnaireResponse', { method: 'POST', body })).status
    })
    expect(status).toBe(201)
    expect(server.requests[0]).toMatchObject({
      method: 'POST',
      headers: { 'fhir-launch-id': 'chosen', 'content-type': 'application/fhir+json' },
    })
  })

  it('takes a success without a body as such', async () => {
    const page = await open('/')
    const result = await page.evaluate(() => {
      const init = { method: 'POST', body: '{}', headers: { prefer: 'return=minimal' } }
      return fhirAuth.createFhirClient().get('QuestionnaireResponse', init)
    })
    expect(result).toBe(undefined)
  })

  it('goes through the pages of a search one by one, without the remarks of the server', async () => {
    const page = await open('/')
    const found = await page.evaluate(async () => {
      const ids: unknown[] = []
      for await (const { id } of fhirAuth.createFhirClient().search<{ id: string }>('Observation?page=1')) {
        ids.push(id)
        if (id === 'o2') break
      }
      return ids
    })
    expect(found).toEqual(['o1', 'o2'])
    expect(server.requests.map(({ url }) => url)).toEqual(['/fhir/Observation?page=1', '/fhir/Observation?page=2'])
  })

  it('ends a search that never ends', async () => {
    const page = await open('/')
    const code = await page.evaluate(async () => {
      try {
        for await (const _ of fhirAuth.createFhirClient().search('Encounter', { maxPages: 5 }));
        return 'no error'
      } catch (error) {
        return (error as FhirClientError).code
      }
    })
    expect([code, server.requests.length]).toEqual(['too_many_pages', 5])
  })

  it.each([
    'https://elsewhere.example/fhir/Patient',
    '//elsewhere.example/fhir/Patient',
    '/session',
    '../session',
    '%2e%2e/session',
    '/fhirs/Patient',
    '/fhir\\..\\session',
    'javascript:alert(1)',
  ])('sends nothing to %s', async (url) => {
    const page = await open('/')
    const result = await page.evaluate(async (url) => {
      const error = await fhirAuth
        .createFhirClient()
        .fetch(url)
        .then(
          () => {
            throw new Error('It was answered.')
          },
          (error: FhirClientError) => error,
        )
      return [error.name, error.code]
    }, url)
    expect(result).toEqual(['FhirClientError', 'outside_proxy'])
    expect(server.requests).toEqual([])
  })

  it('does not follow a link of a search to another server', async () => {
    const page = await open('/')
    const code = await page.evaluate(async () => {
      const found = fhirAuth.createFhirClient().search('Condition')
      return found.next().catch((error: FhirClientError) => error.code)
    })
    expect([code, server.requests.length]).toEqual(['outside_proxy', 1])
  })

  it('throws what the FHIR server says, in its words', async () => {
    const page = await open('/')
    const error = await page.evaluate(async () => {
      const error = await fhirAuth
        .createFhirClient()
        .get('Patient/2')
        .then(
          () => {
            throw new Error('It was answered.')
          },
          (error: FhirClientError) => error,
        )
      const { status, code, message, operationOutcome, problem } = error
      return { status, code, message, issues: operationOutcome?.issue.length, problem }
    })
    expect(error).toEqual({
      status: 404,
      code: 'not-found',
      message: 'There is no such patient.',
      issues: 1,
      problem: undefined,
    })
  })

  it('goes to the login that leads back to this very page when nobody is logged in', async () => {
    const page = await open('/chart?launch_id=abc&tab=2#vitals')
    server.session = undefined
    const moved = page.waitForURL('**/login?**')
    await page.evaluate(
      () =>
        void fhirAuth
          .createFhirClient()
          .get('Patient/1')
          .catch(() => {}),
    )
    await moved
    expect(new URL(page.url()).searchParams.get('returnTo')).toBe('/chart?launch_id=abc&tab=2#vitals')
  })

  it('tells a hook instead, which then decides', async () => {
    const page = await open('/chart')
    server.session = undefined
    const result = await page.evaluate(async () => {
      const problems: Problem[] = []
      const fhir = fhirAuth.createFhirClient({ onLoginRequired: (problem) => problems.push(problem) })
      const error = await fhir.get('Patient/1').then(
        () => {
          throw new Error('It was answered.')
        },
        (error: FhirClientError) => error,
      )
      return { problems, code: error.code, status: error.status, message: error.message }
    })
    expect(result).toMatchObject({ code: 'login_required', status: 401, message: 'Nobody is logged in.' })
    expect(result.problems).toMatchObject([{ loginUrl: `${server.origin}/login?returnTo=%2Fchart` }])
    expect(page.url()).toBe(`${server.origin}/chart`)
  })

  it('learns who is logged in', async () => {
    const page = await open('/?launch_id=abc')
    expect(await page.evaluate(() => fhirAuth.readSession())).toMatchObject({ loggedIn: true, launchId: 'of-server' })
    server.session = undefined
    expect(await page.evaluate(() => fhirAuth.readSession())).toMatchObject({ loggedIn: false, loginUrl: '/login' })
    expect(server.requests[0]?.headers['fhir-launch-id']).toBe('abc')
  })

  it('a tab hears of a logout in another one, asks once, and the message between them says nothing', async () => {
    const context = await newContext()
    const [first, other] = [await open('/', context), await open('/', context)]
    await first.evaluate(() => {
      globalThis.seen = []
      fhirAuth.watchSession((session) => seen.push(session))
    })
    await other.evaluate(() => {
      const heard: unknown[] = []
      Object.assign(globalThis, { heard })
      new BroadcastChannel('fhir-auth').onmessage = ({ data }) => heard.push(data)
    })
    server.session = undefined
    const third = await open('/logged-out', context)
    await third.evaluate(() => void fhirAuth.watchSession(() => {}))
    await first.waitForFunction(() => seen.length > 0)
    await other.waitForFunction(() => (globalThis as unknown as { heard: unknown[] }).heard.length > 0)
    expect(await first.evaluate(() => seen.map(({ loggedIn }) => loggedIn))).toEqual([false])
    expect(await other.evaluate(() => (globalThis as unknown as { heard: unknown[] }).heard)).toEqual([''])
    expect(server.requests.map(({ url }) => url)).toEqual(['/session'])
  })
})

it('takes the types of FHIR resources as they come', () => {
  expectTypeOf<FhirClient['get']>().toBeCallableWith('Patient/1')
  const read = (fhir: FhirClient) => fhir.get<Patient>('Patient/1')
  const list = (fhir: FhirClient) => fhir.search<Observation>('Observation')
  expectTypeOf(read).returns.resolves.toEqualTypeOf<Patient>()
  expectTypeOf(list).returns.toEqualTypeOf<AsyncGenerator<Observation, void, undefined>>()
})

function newContext(): Promise<BrowserContext> {
  return browser.newContext().then((context) => {
    onTestFinished(() => context.close())
    return context
  })
}

/** A page of the app, whose script has run. */
async function open(path: string, context?: BrowserContext): Promise<Page> {
  const page = await (context ?? (await newContext())).newPage()
  await page.goto(server.origin + path)
  await page.waitForFunction(() => 'fhirAuth' in globalThis)
  return page
}
