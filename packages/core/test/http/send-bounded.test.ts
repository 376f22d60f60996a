import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkSecureUrl, shownUrl } from '../../src/http/secure-url.ts'
import { sendBounded } from '../../src/http/send-bounded.ts'
import { maxAgeSeconds, retryAfterSeconds } from '../../src/http/time-headers.ts'
import { FhirAuthError } from '../../src/index.ts'
import { shownText } from '../../src/shared/shown-text.ts'
import { failureOf } from '../support/failure-of.ts'
import { startServer } from '../support/http-server.ts'

const NOW = Date.UTC(2026, 0, 1)
const withHeader = (name: string, value: string | undefined) =>
  new Headers(value === undefined ? {} : { [name]: value })
/** Anything that a header can carry. */
const headerValue = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)) })

describe('Retry-After', () => {
  it.each([
    ['30', 30],
    ['0', 0],
    [new Date(NOW + 90_000).toUTCString(), 90],
    [new Date(NOW - 90_000).toUTCString(), 0],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('BSV-11 %j is %s', (value, seconds) => {
    expect(retryAfterSeconds(withHeader('retry-after', value), NOW)).toBe(seconds)
  })

  it('BSV-11 whatever it contains, the result is undefined or a whole number of seconds', () => {
    const value = fc.oneof(
      headerValue,
      fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
      fc.integer().map(String),
    )
    fc.assert(
      fc.property(value, (text) => {
        const seconds = retryAfterSeconds(withHeader('retry-after', text), NOW)
        if (seconds !== undefined) expect(Number.isSafeInteger(seconds) && seconds >= 0).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('Cache-Control', () => {
  it.each([
    ['max-age=600', 600],
    ['public, Max-Age = "60"', 60],
    ['max-age=0', 0],
    ['no-store', 0],
    ['NO-CACHE, max-age=600', 0],
    ['s-maxage=10', undefined],
    ['max-age=-5', undefined],
    ['max-age=soon', undefined],
    ['private', undefined],
    [undefined, undefined],
  ])('DISC-13 %j is %s', (value, seconds) => {
    expect(maxAgeSeconds(withHeader('cache-control', value))).toBe(seconds)
  })

  it('DISC-13 whatever it contains, the result is undefined or a whole number of seconds', () => {
    const directive = fc.constantFrom(
      'max-age=',
      'no-store',
      'no-cache="x"',
      ',',
      '=',
      ' ',
      '"',
      '99999999999',
      'public',
    )
    const value = fc.oneof(
      headerValue,
      fc.array(directive).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(value, (text) => {
        const seconds = maxAgeSeconds(withHeader('cache-control', text))
        if (seconds !== undefined) expect(Number.isSafeInteger(seconds) && seconds >= 0).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('URLs', () => {
  it('DISC-14 https, or http on this machine, and nothing else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.webUrl({ validSchemes: ['http', 'https'] }), fc.string()), (url) => {
        try {
          const { protocol, hostname } = checkSecureUrl(url, 'it')
          expect(protocol === 'https:' || /^(127\.|localhost$|\[::1\]$)|\.localhost$/.test(hostname)).toBe(true)
        } catch (error) {
          expect((error as FhirAuthError).code).toBe('insecure_url')
          expect(error).toBeInstanceOf(FhirAuthError)
        }
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    'http://localhost.example.com',
    'http://127.0.0.1.example.com',
    'http://127.0.0.256',
    'http://10.0.0.1',
    'http://0.0.0.0',
    'http://[::2]',
    '//ehr.example.com',
    'file:///etc/passwd',
  ])('DISC-14 %s is refused', async (url) => {
    expect((await failureOf(() => checkSecureUrl(url, 'it'))).code).toBe('insecure_url')
  })

  it('are shown without query, fragment and credentials, on one line, shortened', () => {
    expect(shownUrl('https://user:pass@as.example.com/token?code=secret#x')).toBe('https://as.example.com/token')
    expect(shownText('a\r\nSet-Cookie: x\u2028\u202eb\u0000')).toBe('a Set-Cookie: x b ')
    expect(shownText('x'.repeat(500))).toHaveLength(201)
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(shownText(text)).not.toMatch(/[\p{Cc}\u2028\u2029]/u)
      }),
    )
  })
})

describe('time limits', () => {
  it.each([1.001, 0.0005, 1e-9, 1e9, Number.MAX_VALUE])('TOK-09 a limit of %d s works', async (timeoutSeconds) => {
    const answer = await sendBounded(
      { method: 'GET', url: 'https://ehr.example.com', headers: {} },
      { timeoutSeconds, fetch: async () => new Response('answer') },
    )
    expect(answer.body).toBe('answer')
  })

  it('TOK-09 covers the body too', async () => {
    const server = await startServer((_request, response) => void response.writeHead(200).write('a'))
    const request = { method: 'GET', url: `${server.origin}/slow?code=secret`, headers: {} } as const
    const failure = await failureOf(() => sendBounded(request, { timeoutSeconds: 0.2 }))
    expect(failure.code).toBe('timeout')
    expect(failure.message).toBe(
      `${server.origin}/slow did not answer within 0.2 s. Check that a firewall lets the request through, or raise timeoutSeconds.`,
    )
  })

  it('TOK-09 binds a fetch that takes no notice of its signal', async () => {
    const request = { method: 'GET', url: 'https://ehr.example.com', headers: {} } as const
    const deaf = () => new Promise<Response>(() => {})
    const silent = async () => new Response(new ReadableStream())
    for (const fetch of [deaf, silent]) {
      const failure = await failureOf(() => sendBounded(request, { timeoutSeconds: 0.05, fetch }))
      expect(failure).toMatchObject({
        code: 'timeout',
        message: expect.stringContaining('https://ehr.example.com/ did not answer within 0.05 s.'),
      })
    }
  })

  it('TOK-09 a body of exactly the largest size is read, one byte more is not', async () => {
    const server = await startServer((request, response) => void response.end('x'.repeat(Number(request.url.slice(1)))))
    const get = (size: number) =>
      sendBounded({ method: 'GET', url: `${server.origin}/${size}`, headers: {}, maxBytes: 1000 }, {})
    expect((await get(1000)).body).toHaveLength(1000)
    expect((await failureOf(() => get(1001))).code).toBe('response_too_large')
  })
})
