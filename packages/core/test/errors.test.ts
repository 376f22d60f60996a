import { readdirSync, readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { asFhirAuthError } from '../src/errors.ts'
import { errorCodes, FhirAuthError, type FhirAuthErrorCode } from '../src/index.ts'

const document = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8')

/** The rows of the table below a heading, as cells. */
function tableUnder(heading: string): string[][] {
  const section = document.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('|'))
  return rows.slice(2).map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  )
}

describe('docs/errors.md', () => {
  const rows = tableUnder('Codes')
  const documented = rows.map(([code, status]) => ({
    code: code?.replace(/^.*`(\w+)`$/, '$1'),
    status: Number(status),
  }))

  it('ERR-01 lists exactly the codes there are, in their order, each with its status', () => {
    expect(documented).toEqual(errorCodes.map((code) => ({ code, status: new FhirAuthError(code, '').status })))
  })

  it('ERR-01 says for each code what happened and what to do', () => {
    for (const row of rows) {
      expect(row).toHaveLength(4)
      for (const cell of row.slice(2)) expect(cell).toMatch(/^\S.{10,}\.$/)
    }
  })

  it('ERR-01 has for each code the anchor to which a problem’s type leads', () => {
    for (const code of errorCodes) {
      const { hash, pathname } = new URL(new FhirAuthError(code, '').toProblem().type)
      expect(pathname).toMatch(/\/docs\/errors\.md$/)
      expect(document).toContain(`<a id="${hash.slice(1)}"></a>\`${code}\``)
    }
  })

  it('ERR-01 ERR-02 ERR-04 names the errors of RFC 6749 and what to do about each', () => {
    const names = tableUnder('OAuth errors').flatMap(([names = '']) => names.match(/\w+/g) ?? [])
    expect(names).toEqual(
      expect.arrayContaining([
        ...['invalid_request', 'invalid_client', 'invalid_grant', 'unauthorized_client', 'unsupported_grant_type'],
        ...['invalid_scope', 'access_denied', 'unsupported_response_type', 'server_error', 'temporarily_unavailable'],
      ]),
    )
  })
})

describe('the codes', () => {
  const folder = new URL('../src/', import.meta.url)
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && name !== 'errors.ts')
    .flatMap((name) => readFileSync(new URL(name, folder), 'utf8').split('\n'))
    // A code that only comments name is thrown by nobody.
    .filter((line) => !/^\s*(?:\/\/|\/?\*)/.test(line))
    .join('\n')

  it.each(errorCodes)('ERR-01 %s is thrown somewhere', (code) => {
    expect(sources.includes(`'${code}'`)).toBe(true)
  })

  it('ERR-01 the list cannot be changed', () => {
    expect(Object.isFrozen(errorCodes)).toBe(true)
  })
})

describe('FhirAuthError', () => {
  it('ERR-01 carries code, status and what the authorization server said', () => {
    const oauth = { error: 'invalid_grant', error_description: 'expired', error_uri: 'https://ehr.example/help' }
    const cause = new Error('below')
    const error = new FhirAuthError('token_request_refused', 'Refused.', { oauth, cause, retryAfterSeconds: 3 })
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ name: 'FhirAuthError', message: 'Refused.', cause, retryAfterSeconds: 3, ...oauth })
    expect([error.code, error.status]).toEqual(['token_request_refused', 502])
    expect(String(error)).toBe('FhirAuthError: Refused.')
    expect(inspect(error)).toContain("code: 'token_request_refused'")
  })

  it('ERR-01 can have a status of its own', () => {
    expect(new FhirAuthError('login_required', '', { status: 500 }).status).toBe(500)
  })

  it('ERR-01 has no cause if there is none', () => {
    expect(new FhirAuthError('timeout', '')).not.toHaveProperty('cause')
  })

  it('ERR-01 ERR-07 becomes problem details without members that are not there', () => {
    expect(new FhirAuthError('ambiguous_launch', 'Which one?').toProblem()).toEqual({
      type: 'https://github.com/fhir-auth/fhir-auth/blob/main/docs/errors.md#ambiguous_launch',
      title: 'ambiguous launch',
      status: 409,
      detail: 'Which one?',
      code: 'ambiguous_launch',
      reference: expect.stringMatching(/^[2-9A-Z]{4}-[2-9A-Z]{4}$/),
    })
    const oauth = { error: 'x', error_description: 'y', error_uri: 'https://z' }
    expect(new FhirAuthError('timeout', '', { oauth }).toProblem()).toMatchObject(oauth)
  })

  it('ERR-01 wraps any other error once, and itself never', () => {
    const own = new FhirAuthError('timeout', 'slow')
    expect(asFhirAuthError(own, 'token_unavailable', 'x')).toBe(own)
    const foreign = new TypeError('foreign')
    expect(asFhirAuthError(foreign, 'token_unavailable', 'x')).toMatchObject({
      code: 'token_unavailable' satisfies FhirAuthErrorCode,
      message: 'x',
      cause: foreign,
    })
  })
})

describe('an error as a Response', () => {
  it('is its problem, with what belongs to its status', async () => {
    const error = new FhirAuthError('token_unavailable', 'Not now.', { retryAfterSeconds: 7 })
    const response = error.getResponse?.()
    expect(response?.status).toBe(503)
    expect(Object.fromEntries(response?.headers ?? [])).toEqual({
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'retry-after': '7',
    })
    expect(await response?.json()).toEqual(error.toProblem())
    expect(new FhirAuthError('session_ended', 'Over.').getResponse?.().headers.get('www-authenticate')).toBe('Session')
  })

  it('is not there for a mistake of the app, which belongs in its log', () => {
    expect('getResponse' in new FhirAuthError('url_outside_fhir_base', 'Not there.')).toBe(false)
  })

  it('is no part of what is printed or serialised', () => {
    const error = new FhirAuthError('session_ended', 'Over.')
    expect(Object.keys(error)).not.toContain('getResponse')
    expect(inspect(error)).not.toContain('getResponse')
  })
})
