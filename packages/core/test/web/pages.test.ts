import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { FhirAuthError } from '../../src/index.ts'
import { pageAnswer, problemAnswer } from '../../src/web/answers.ts'
import { authorizationForm, loginChoice } from '../../src/web/pages.ts'
import { launchClient } from '../support/launch-client.ts'
import { unexpectedMarkup, XSS_PAYLOADS } from '../support/page-markup.ts'

const asker = (accept: string) => ({
  method: 'GET',
  url: '/',
  header: (name: string) => (name === 'accept' ? accept : ''),
})

/** Of the one style that a page has. */
function styleHash(html: string): string {
  const [, style = ''] = /<style>(.*)<\/style>/.exec(html) ?? []
  return `sha256-${createHash('sha256').update(style).digest('base64')}`
}

describe('an authorization request by form', () => {
  it('AUTHZ-06 has the endpoint, the parameters and a button for browsers without scripts', () => {
    const { html } = authorizationForm('https://auth.example/authorize?tenant=1&x=2', new URLSearchParams('a=1&b=2'))
    expect(html).toContain('<form method="post" action="https://auth.example/authorize?tenant=1&amp;x=2">')
    expect(html).toContain('<input type="hidden" name="a" value="1"><input type="hidden" name="b" value="2"><button>')
  })

  it('AUTHZ-07 may run its own script by Content-Security-Policy, and no other', () => {
    const { html, scriptHash } = authorizationForm('https://auth.example/authorize', new URLSearchParams())
    const [, script = ''] = /<script>(.*)<\/script>/.exec(html) ?? []
    expect(scriptHash).toBe(`sha256-${createHash('sha256').update(script).digest('base64')}`)
    const policy = pageAnswer(html, 200, [], scriptHash).headers['content-security-policy']
    expect(policy).toBe(
      `default-src 'none'; style-src '${styleHash(html)}'; script-src '${scriptHash}'; base-uri 'none'; frame-ancestors 'none'`,
    )
  })

  it.each(XSS_PAYLOADS)('AUTHZ-07 SEC-02 escapes every name and value: %s', (payload) => {
    const { html } = authorizationForm(`https://auth.example/?${payload}`, new URLSearchParams({ [payload]: payload }))
    expect(unexpectedMarkup(html, ['script'])).toEqual([])
  })
})

describe('pages for a person', () => {
  it.each(XSS_PAYLOADS)('SEC-02 CB-06 escape what comes from outside: %s', (payload) => {
    const oauth = { error: payload, error_description: payload, error_uri: `https://auth.example/?${payload}` }
    const error = new FhirAuthError('authorization_failed', `Refused: ${payload}`, { oauth })
    const { body, headers } = problemAnswer(error, asker('text/html'), { retryUrl: `/login?${payload}` })
    expect(unexpectedMarkup(body)).toEqual([])
    const policy = `default-src 'none'; style-src '${styleHash(body)}'; base-uri 'none'; frame-ancestors 'none'`
    expect(headers['content-security-policy']).toBe(policy)
    expect(headers['x-content-type-options']).toBe('nosniff')
  })

  it.each(XSS_PAYLOADS)('SEC-02 escape where to log in, and where to return to: %s', (payload) => {
    const fhirBaseUrl = `https://ehr.example/${payload.replace(/[?#]/g, '')}`
    expect(
      unexpectedMarkup(loginChoice([launchClient({ fhirBaseUrl })], { loginPath: '/login', returnTo: `/${payload}` })),
    ).toEqual([])
  })

  it('CB-09 are not stored, and tell the next page nothing', () => {
    const { headers } = problemAnswer(new FhirAuthError('invalid_callback', 'x'), asker('text/html'))
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
  })

  it.each([
    ['login_required', 'Log in'],
    ['missing_context', 'Choose a patient'],
    ['ambiguous_launch', 'Choose a patient'],
    ['context_changed', 'Log in again'],
    ['state_mismatch', 'Log in again'],
  ] as const)('after %s, the link to the login says what it leads to', (code, words) => {
    const { body } = problemAnswer(new FhirAuthError(code, 'x'), asker('text/html'), { retryUrl: '/login' })
    expect(body).toContain(`<a href="/login">${words}</a>`)
  })

  it.each([
    [401, 'Please log in'],
    [403, 'Something went wrong'],
    [404, 'Something went wrong'],
    [429, 'Not available at the moment'],
    [502, 'Not available at the moment'],
    [503, 'Not available at the moment'],
  ])('ask for patience only if waiting helps: after %i from the FHIR server they say "%s"', (status, title) => {
    const error = new FhirAuthError('fhir_request_failed', 'x', { status })
    const { body } = problemAnswer(error, asker('text/html'), { retryUrl: '/login' })
    expect(body).toContain(`<h1>${title}</h1>`)
  })

  it('are problem+json for a program', () => {
    const error = new FhirAuthError('token_unavailable', 'x', { retryAfterSeconds: 7 })
    const { body, headers, status } = problemAnswer(error, asker('application/json'))
    expect(status).toBe(503)
    expect(headers).toMatchObject({ 'content-type': 'application/problem+json', 'retry-after': '7' })
    expect(JSON.parse(body)).toMatchObject({ code: 'token_unavailable', status: 503, detail: 'x' })
  })
})
