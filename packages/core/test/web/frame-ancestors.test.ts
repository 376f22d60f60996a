import { describe, expect, it } from 'vitest'
import { createFhirGuard, failureAnswer, MissingContext } from '../../src/adapter.ts'
import { createSmartLaunch, FhirAuthError, type SmartLaunchOptions } from '../../src/index.ts'
import { failureOf } from '../support/failure-of.ts'
import { newSecret } from '../support/portal-world.ts'

const launchWith = (frameAncestors: unknown) =>
  createSmartLaunch({
    fhirBaseUrl: 'https://ehr.example/fhir',
    clientId: 'portal',
    redirectUri: 'https://portal.example/callback',
    scope: 'launch',
    session: { secret: newSecret() },
    frameAncestors,
  } as SmartLaunchOptions)

/** A launch in a frame, opened by a browser that does not send the cookie of the detour back. */
const inFrame = (url: string) => {
  const headers: Record<string, string> = { accept: 'text/html', 'sec-fetch-dest': 'iframe' }
  return { method: 'GET', url, header: (name: string) => headers[name] }
}
const framersOf = (answer: { headers: Readonly<Record<string, string>> } | undefined) =>
  /frame-ancestors ([^;]*)$/.exec(answer?.headers['content-security-policy'] ?? '')?.[1]

describe('the option frameAncestors', () => {
  it.each([
    ['nothing', undefined, "'none'"],
    ['no origin', [], "'none'"],
    ['an origin', ['https://ehr.example.com'], 'https://ehr.example.com'],
    ['a port', ['https://ehr.example.com:8443'], 'https://ehr.example.com:8443'],
    ['all hosts below one', ['https://*.example.com'], 'https://*.example.com'],
    ['several', ['https://a.example', 'https://b.example'], 'https://a.example https://b.example'],
    ['a server of this machine', ['http://localhost:3000'], 'http://localhost:3000'],
  ])('SEC-16 takes %s', async (_, value, sources) => {
    const answer = await launchWith(value).answer(inFrame('/launch'))
    expect([answer.status, framersOf(answer)]).toEqual([400, sources])
  })

  it.each([
    ['a text', 'https://ehr.example.com'],
    ['plain http', ['http://ehr.example.com']],
    ['any site', ['*']],
    ['any https site', ['https:']],
    ['any host', ['https://*']],
    ['a path', ['https://ehr.example.com/app']],
    ['a slash', ['https://ehr.example.com/']],
    ['a host alone', ['ehr.example.com']],
    ['a keyword', ["'self'"]],
    ['a second directive', ['https://ehr.example.com; script-src *']],
    ['two in one', ['https://a.example https://b.example']],
    ['a line end', ['https://a.example\r\nx: y']],
    ['a number', [7]],
  ])('SEC-16 refuses %s', async (_, value) => {
    const error = await failureOf(() => launchWith(value))
    expect(error).toMatchObject({ code: 'invalid_option', message: expect.stringContaining('frameAncestors') })
  })
})

describe('who may frame a page', () => {
  const EHR = 'https://ehr.example.com'

  it('EHR-07 SEC-16 the page that a frame without cookies gets is shown there, whether an EHR is named or not', async () => {
    const url = `/launch?${new URLSearchParams({ iss: 'https://ehr.example/fhir', launch: 'a', cookie_check: '1' })}`
    const plain = await launchWith(undefined).answer(inFrame(url))
    expect([plain.status, framersOf(plain)]).toEqual([200, '*'])
    expect(framersOf(await launchWith([EHR]).answer(inFrame(url)))).toBe(EHR)
  })

  it('SEC-16 is said of every refusal of a guard, and of a failure half-way', () => {
    const launch = launchWith([EHR])
    const missing = new MissingContext(launch, new FhirAuthError('token_unavailable', 'Why.'))
    const request = inFrame('/chart')
    expect(framersOf(createFhirGuard()(missing, request) ?? { headers: {} })).toBe(EHR)
    expect(framersOf(failureAnswer(new FhirAuthError('session_ended', 'Why.'), missing, request))).toBe(EHR)
    expect(framersOf(failureAnswer(new FhirAuthError('session_ended', 'Why.'), undefined, request))).toBe("'none'")
  })
})
