import { describe, expect, it, vi } from 'vitest'
import { errorCodes, FhirAuthError } from '../../src/errors.ts'
import { isWorthTelling, tellOperatorBy } from '../../src/web/problem-log.ts'
import { problemPage } from '../../src/web/problem-page.ts'
import { readLog, readPages } from '../../src/web/problem-settings.ts'
import { ENGLISH_TEXTS } from '../../src/web/visitor-texts.ts'
import { failureOf } from '../support/failure-of.ts'

const outage = new FhirAuthError('session_store_failed', 'The store failed.', { cause: new Error('no connection') })
const place = { fhirBaseUrl: 'https://fhir.example.org/r4', clientId: 'portal', launchId: 'l' }

describe('the operator’s line', () => {
  it('has code, message, cause, place and reference, for a logger of pino’s and console’s shape', () => {
    const log = { error: vi.fn(), warn: vi.fn() }
    tellOperatorBy(log)(outage, place)
    const { reference } = outage
    const fields = { reference, code: 'session_store_failed', status: 503, cause: 'Error: no connection', ...place }
    expect(log.error).toHaveBeenCalledExactlyOnceWith(
      { fhirAuth: expect.objectContaining(fields) },
      'The store failed.',
    )
    tellOperatorBy(log)(new FhirAuthError('state_mismatch', 'Not from here.'), {})
    expect(log.warn).toHaveBeenCalledOnce()
  })

  it('is one line of JSON on console.error by default', () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    try {
      tellOperatorBy(undefined)(outage, place)
      const [[line]] = print.mock.calls as [[string]]
      expect(line).not.toContain('\n')
      expect(JSON.parse(line)).toMatchObject({ level: 'error', fhirAuth: { code: 'session_store_failed' } })
    } finally {
      print.mockRestore()
    }
  })

  it('that fails does no harm', () => {
    const fail = () => {
      throw new Error('disk full')
    }
    expect(() => tellOperatorBy({ error: fail, warn: fail })(outage, {})).not.toThrow()
  })

  it('is not written for who has yet to log in, but for an app that forgot to mount the login', () => {
    expect(isWorthTelling(new FhirAuthError('login_required', ''))).toBe(false)
    expect(isWorthTelling(new FhirAuthError('login_required', '', { status: 500 }))).toBe(true)
  })
})

describe('the visitor’s page', () => {
  const message = 'Set CLIENT_ID, which https://ehr.example.org refuses.'

  it.each(errorCodes)('says for %s what to do, and nothing that is for the operator', (code) => {
    const error = new FhirAuthError(code, message)
    const { html } = problemPage({ error, retryUrl: '/login', reference: error.reference }, { appUrl: '/' })
    const text = html.replace(/<style>.*<\/style>/s, '').replace(/<[^>]+>/g, ' ')
    expect(text).not.toContain(code)
    expect(text).not.toMatch(/CLIENT_ID|ehr\.example|undefined|FHIR|OAuth|token/)
    expect(text).toContain(error.reference)
    expect(html).toContain('href="/login"')
  })

  it('is the app’s own where render gives one, and ours where that throws', () => {
    const parts = { error: outage, retryUrl: undefined, reference: 'ABCD-2345' }
    const own = problemPage(parts, { render: ({ situation, reference }) => `${situation} ${reference}` })
    expect(own).toEqual({ html: 'notAvailable ABCD-2345', isOwn: true })
    const fail = () => {
      throw new Error('no template')
    }
    expect(problemPage(parts, { render: fail })).toMatchObject({ isOwn: false, html: expect.stringContaining('<h1>') })
  })
})

describe('the options', () => {
  it.each([
    [{ appUrl: '//evil.example' }, /appUrl must be a path/],
    [{ appUrl: 'javascript:alert(1)' }, /appUrl must be a path/],
    [{ texts: { toString: 'x' } }, /texts\.toString is not known/],
    [{ texts: { fault: 'x' } }, /texts\.fault must be \{ title, text \}/],
    [{ appname: 'x' }, /Did you mean "appName"/],
  ])('refuse %j', async (pages, message) => {
    expect((await failureOf(() => readPages(pages, 'pages'))).message).toMatch(message)
  })

  it.each([true, null, {}, { error: 'x', warn: 'y' }])('log refuses %j', async (log) => {
    expect((await failureOf(() => readLog(log, 'log'))).message).toMatch(/log must be false, or a logger/)
  })

  it('texts may be all of those that there are', () => {
    expect(readPages({ texts: ENGLISH_TEXTS, language: 'en' }, 'pages')).toMatchObject({ language: 'en' })
  })
})
