import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FhirContext } from '../../src/fhir/fhir-context.ts'
import { isUnderBase } from '../../src/fhir/fhir-target.ts'
import { ScopeSet } from '../../src/index.ts'
import { startServer } from '../support/http-server.ts'

const BASE = 'https://ehr.example/r4/fhir'
const TOKEN = 'token-of-the-context'

/** A context whose requests end here: what would have been sent, with its headers. */
function watchedContext(answer: (url: string) => Response = () => new Response('{}'), tokenUrls: string[] = []) {
  const sent: { url: string; headers: Headers }[] = []
  const send = (async (url: string, init: RequestInit) => {
    sent.push({ url, headers: new Headers(init.headers) })
    return answer(url)
  }) as typeof fetch
  const grant = {
    ...{ fhirBaseUrl: BASE, accessToken: TOKEN, expiresAt: 1_800_000_000_000, launchId: 'launch-1', launch: {} },
    ...{ patient: '1', encounter: undefined, fhirUser: undefined, idToken: undefined },
    scope: ScopeSet.parse('patient/*.rs'),
  }
  const fhir = new FhirContext(grant, {
    tokens: { current: () => TOKEN, replace: async () => undefined },
    send,
    tokenUrls: () => tokenUrls,
  })
  return { fhir, sent }
}

/** Each is a way out of the base for some server, proxy or decoder on the way, and none for the URL parser. */
const TRICKS = [
  '..%2fadmin',
  '..%2Fadmin',
  'Patient/..%2f..%2fadmin',
  '..%5cadmin',
  '..%5Cadmin',
  '%2e%2e%2fadmin',
  '.%2e%5cadmin',
  '..;/admin',
  '..;x=1/admin',
  '.;/admin',
  '%2e%2e;/admin',
  '..%3b/admin',
  '..%3Ba=b/admin',
  '%252e%252e/admin',
  '%252e%252e%252fadmin',
  '%25252e%25252e/admin',
  '..%252fadmin',
  '..%255cadmin',
  '..%00/admin',
  '..%20/admin',
  '..%09/admin',
  '..%0d%0a/admin',
  '..%23/admin',
  '..%3f/admin',
  '%c0%ae%c0%ae/admin',
  '..%c0%afadmin',
  '%u002e%u002e/admin',
  '%ef%bc%8e%ef%bc%8e/admin',
  '..%ef%bc%8fadmin',
  '..%ef%bc%bcadmin',
  '%E2%80%A5/admin',
  'Patient/1%00',
  'Patient/1%0d%0aX-Injected:%20yes',
  'Patient/%',
  'Patient/%zz',
]

describe('RFC 3986 §6.2.2.3, RFC 9110 §17: a path that another reader reads otherwise never gets the token', () => {
  it.each(TRICKS)('RSP-10 is refused before anything is sent: %s', async (path) => {
    const { fhir, sent } = watchedContext()
    for (const url of [path, `${BASE}/${path}`, `${BASE}/Patient/../${path}`]) {
      await expect(fhir.fetch(url)).rejects.toMatchObject({ code: 'url_outside_fhir_base' })
    }
    expect(sent).toEqual([])
  })

  it.each(TRICKS)('RSP-10 a redirect to it loses the token: %s', async (path) => {
    const { fhir, sent } = watchedContext((url) =>
      url.endsWith('/start')
        ? new Response(null, { status: 302, headers: { location: `${BASE}/${path}` } })
        : new Response('{}'),
    )
    await fhir.fetch('start')
    expect(sent.slice(1).every(({ headers }) => !headers.has('authorization'))).toBe(true)
  })

  it.each([
    'Patient/abc-1.2',
    'Patient/1/_history/2',
    '.well-known/smart-configuration',
    'Group/g1/$export?_type=Patient,Observation',
    'ValueSet/$expand?url=http://example.com/../x',
    'Observation?code=http://loinc.org|8867-4&date=ge2020-01-01',
    'Observation?code=a%2Fb%5Cc;d&_text=..%2f..',
    'Binary/report%20of%20may',
    'Binary/2026%2Fmay%5Creport',
    'Binary/m%C3%BCller',
    'files/50%25.ndjson',
    'Patient/1#..%2f',
  ])('RSP-10 what real servers use still works: %s', async (path) => {
    const { fhir, sent } = watchedContext()
    await fhir.fetch(path)
    expect(sent.map(({ headers }) => headers.get('authorization'))).toEqual([`Bearer ${TOKEN}`])
  })

  it('RSP-10 the base itself is as it was configured, whatever is encoded in it', () => {
    expect(isUnderBase(new URL('https://a/t%2F1/fhir/Patient/1'), 'https://a/t%2F1/fhir')).toBe(true)
    expect(isUnderBase(new URL('https://a/t;v=1/fhir/Patient/1'), 'https://a/t;v=1/fhir')).toBe(true)
  })

  it('RSP-10 whatever is put together of such pieces: decoded as often as one likes, it stays below the base', async () => {
    const dots = ['.', '..', '%2e', '%2E', '%252e', '%25252e', '%ef%bc%8e', '%c0%ae']
    const ends = ['/', '\\', '%2f', '%5c', '%252f', '%25255c', ';', '%3b', ';a=b', '%00', '%20', '%0a', '%23', '%3f']
    const names = ['Patient', 'fhir', 'r4', 'admin', '1', '$export', '%', '%25']
    const piece = fc.constantFrom(...dots, ...ends, ...names)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(piece, fc.string({ maxLength: 2 })), { maxLength: 9 }), async (parts) => {
        const { fhir, sent } = watchedContext()
        await fhir.fetch(parts.join('')).catch(() => {})
        for (const { url } of sent) expect(escapes(url), url).toBe(false)
      }),
      { numRuns: 5000 },
    )
  })
})

describe('tokenUrls: further addresses that get the token', () => {
  const FILES = 'https://ehr.example/r4/bulkfiles'
  const bearers = (sent: { headers: Headers }[]) => sent.map(({ headers }) => headers.get('authorization'))

  it.each([`${FILES}/1`, `${FILES}/1/Patient.ndjson?part=2`, FILES, '../bulkfiles/1', 'Patient/1'])(
    'RSP-10 %s gets it',
    async (url) => {
      const { fhir, sent } = watchedContext(undefined, [FILES])
      await fhir.fetch(url)
      expect(bearers(sent)).toEqual([`Bearer ${TOKEN}`])
    },
  )

  it.each([
    'https://ehr.example/r4/bulkfiles-evil/1',
    'https://ehr.example/r4/other',
    'http://ehr.example/r4/bulkfiles/1',
    'https://ehr.example:8443/r4/bulkfiles/1',
    'https://evil.example/r4/bulkfiles/1',
    'https://user@ehr.example/r4/bulkfiles/1',
    ...TRICKS.map((trick) => `${FILES}/${trick}`),
  ])('RSP-10 %s does not, and the message names the option', async (url) => {
    const { fhir, sent } = watchedContext(undefined, [FILES])
    const failure = await fhir.fetch(url).catch((error: unknown) => error)
    expect(failure).toMatchObject({
      code: 'url_outside_fhir_base',
      message: expect.stringContaining('add that to tokenUrls'),
    })
    expect(sent).toEqual([])
  })

  it('RSP-10 a redirect from the base to such an address keeps the token, and one to elsewhere loses it', async () => {
    const leads = { start: `${FILES}/1`, '1': 'https://evil.example/1' }
    const { fhir, sent } = watchedContext(
      (url) => {
        const location = leads[url.split('/').at(-1) as keyof typeof leads]
        return url.includes('evil') ? new Response('{}') : new Response(null, { status: 302, headers: { location } })
      },
      [FILES],
    )
    await fhir.fetch('start')
    expect(bearers(sent)).toEqual([`Bearer ${TOKEN}`, `Bearer ${TOKEN}`, null])
  })
})

describe('what is sent besides the token', () => {
  it('RSP-11 no Referer tells another server which patient it was about', async () => {
    const other = await startServer((_request, response) => void response.end('{}'))
    const server = await startServer(
      (_request, response) => void response.writeHead(302, { location: `${other.origin}/file` }).end(),
    )
    const grant = {
      ...{ fhirBaseUrl: `${server.origin}/fhir`, accessToken: TOKEN, expiresAt: 1_800_000_000_000, launch: {} },
      ...{ patient: '1', encounter: undefined, fhirUser: undefined, idToken: undefined, launchId: undefined },
      scope: ScopeSet.parse('patient/*.rs'),
    }
    const tokens = { current: () => TOKEN, replace: async () => undefined }
    const headers = { referer: `${server.origin}/fhir/Patient/1`, cookie: 'a=b' }
    await new FhirContext(grant, { tokens, send: globalThis.fetch }).fetch('Patient/1', { headers })
    for (const name of ['referer', 'cookie', 'authorization'])
      expect(other.requests[0]?.headers).not.toHaveProperty(name)
  })

  it('ERR-06 a header value that cannot be sent is refused by its name, and the message has no token', async () => {
    const { fhir, sent } = watchedContext()
    const failure = await fhir.fetch('Patient/1', { headers: { 'x-note': 'a\r\nauthorization: none' } }).catch(String)
    expect(failure).not.toContain(TOKEN)
    expect(sent).toEqual([])
  })
})

/** Reads a URL as the most willing of servers: decodes to the end, takes every separator, cuts path parameters off. */
function escapes(url: string): boolean {
  let path = new URL(url).pathname.slice(new URL(BASE).pathname.length)
  for (let round = 0; round < 6; round++) {
    path = path.replace(/%([\da-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  }
  let depth = 0
  for (const segment of path.split(/[/\\]/).slice(1)) {
    const name = segment.split(/[;?#\s\p{Cc}]/u)[0]
    if (name === '..') depth--
    else if (name !== '' && name !== '.') depth++
    if (depth < 0) return true
  }
  return false
}
