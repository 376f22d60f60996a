import { createSandbox } from '@fhir-auth/sandbox'
import { describe, expect, onTestFinished, test } from 'vitest'
import { findingCodes, run } from './support/run.ts'
import { serve, serveDocuments } from './support/server.ts'

const SMART = '/fhir/.well-known/smart-configuration'
const OPENID = '/.well-known/openid-configuration'
const METADATA = '/fhir/metadata'

const smartConfiguration = (origin: string): Record<string, unknown> => ({
  issuer: origin,
  jwks_uri: `${origin}/jwks`,
  authorization_endpoint: `${origin}/authorize`,
  token_endpoint: `${origin}/token`,
  grant_types_supported: ['authorization_code', 'client_credentials'],
  token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384'],
  code_challenge_methods_supported: ['S256'],
  capabilities: ['launch-ehr', 'sso-openid-connect'],
})
const capabilityStatement = (endpoints: Record<string, string>) => ({
  resourceType: 'CapabilityStatement',
  rest: [
    {
      security: {
        extension: [
          {
            url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
            extension: Object.entries(endpoints).map(([url, valueUri]) => ({ url, valueUri })),
          },
        ],
      },
    },
  ],
})

/** `fhir-auth discover` at a server whose smart-configuration is changed. */
async function discover(
  change: (document: Record<string, unknown>, origin: string) => Record<string, unknown> = (document) => document,
  others: (origin: string) => Record<string, unknown> = () => ({}),
  ...more: string[]
) {
  const origin = await serveDocuments((self) => ({ [SMART]: change(smartConfiguration(self), self), ...others(self) }))
  const result = await run(['discover', `${origin}/fhir`, '--json', ...more])
  return { origin, code: result.code, report: result.json(), text: (await run(['discover', `${origin}/fhir`])).stdout }
}

describe('what is found', () => {
  test.each(['smart', 'intelichart'] as const)('the sandbox in mode %s has no finding', async (mode) => {
    const sandbox = await createSandbox({ mode })
    onTestFinished(() => sandbox.close())
    const { code, json } = await run(['discover', sandbox.fhirBaseUrl, '--json'])
    expect(code).toBe(0)
    expect(json()).toMatchObject({
      command: 'discover',
      ok: true,
      fhirBaseUrl: sandbox.fhirBaseUrl,
      issuer: sandbox.issuer,
      endpoints: {
        authorization_endpoint: `${sandbox.issuer}/authorize`,
        token_endpoint: `${sandbox.issuer}/token`,
        jwks_uri: `${sandbox.issuer}/jwks`,
      },
      capabilities: expect.arrayContaining(['launch-ehr']),
      algorithms: { assertion: expect.arrayContaining(['RS384', 'ES384']) },
      pkce: ['S256'],
      findings: [],
    })
    expect(json().sources).toEqual([
      expect.objectContaining({
        document: 'smart-configuration',
        url: `${sandbox.fhirBaseUrl}/.well-known/smart-configuration`,
        found: true,
        status: 200,
      }),
      expect.objectContaining({
        document: 'openid-configuration',
        url: `${sandbox.issuer}/.well-known/openid-configuration`,
        found: true,
      }),
      expect.objectContaining({ document: 'CapabilityStatement', url: `${sandbox.fhirBaseUrl}/metadata`, found: true }),
    ])
  })

  test('as text: each source, the endpoints, the capabilities, the algorithms', async () => {
    const { origin, text } = await discover()
    expect(text).toContain(`found  smart-configuration  ${origin}${SMART}`)
    expect(text).toMatch(/----- {2}openid-configuration .*\n +It answered 404\./)
    expect(text).toMatch(/----- {2}CapabilityStatement .*\n +It answered 404\./)
    expect(text).toMatch(new RegExp(`token_endpoint +${origin}/token`))
    expect(text).toMatch(/capabilities +launch-ehr sso-openid-connect/)
    expect(text).toMatch(/assertion algorithms +RS384 ES384/)
    expect(text).toMatch(/ok {4}An app can work with it\.\n$/)
  })

  test('a trailing slash and a query-less path stay as they are', async () => {
    const origin = await serveDocuments((self) => ({ [SMART]: smartConfiguration(self) }))
    expect((await run(['discover', `${origin}/fhir/`, '--json'])).json()).toMatchObject({
      ok: true,
      fhirBaseUrl: `${origin}/fhir/`,
      sources: [{ url: `${origin}${SMART}` }, {}, { url: `${origin}${METADATA}` }],
    })
  })

  test('--issuer names another authorization server', async () => {
    const auth = await serveDocuments((self) => ({
      [OPENID]: { issuer: self, authorization_endpoint: `${self}/a`, token_endpoint: `${self}/t` },
    }))
    const fhir = await serveDocuments(() => ({}))
    const result = (await run(['discover', fhir, '--issuer', auth, '--json'])).json()
    expect(result).toMatchObject({ ok: true, endpoints: { token_endpoint: `${auth}/t` } })
    expect(findingCodes(result)).toEqual(['missing_document', 'pkce_missing', 'no_capabilities'])
  })

  test('without an issuer it says how to name one', async () => {
    const { report } = await discover(({ issuer: _issuer, capabilities: _capabilities, ...rest }) => ({
      ...rest,
      capabilities: [],
    }))
    expect(report.sources).toContainEqual({
      document: 'openid-configuration',
      found: false,
      reason: 'No issuer is known. Name one with --issuer.',
    })
  })
})

test('--dialect knows where the vendor keeps its document', async () => {
  const origin = await serveDocuments((self) => ({
    '/.well-known/smart-configuration': smartConfiguration(self),
  }))
  const args = ['discover', `${origin}/v2/uscore/STU6`, '--json']
  expect((await run([...args, '--dialect', 'meditech'])).json()).toMatchObject({
    ok: true,
    sources: [{ url: `${origin}/.well-known/smart-configuration`, found: true }, {}, {}],
  })
  expect((await run(args)).code).toBe(1)
})

describe('each problem, and what it means for the app', () => {
  type Case = [code: string, exitCode: number, change: Parameters<typeof discover>[0], meaning: RegExp]
  const cases: Case[] = [
    [
      'pkce_missing',
      0,
      (doc) => ({ ...doc, code_challenge_methods_supported: undefined }),
      /sends PKCE S256 all the same/,
    ],
    [
      'pkce_without_s256',
      1,
      (doc) => ({ ...doc, code_challenge_methods_supported: ['plain'] }),
      /nothing weaker is used/,
    ],
    ['pkce_plain', 0, (doc) => ({ ...doc, code_challenge_methods_supported: ['S256', 'plain'] }), /never uses it/],
    ['relative_url', 0, (doc) => ({ ...doc, token_endpoint: 'auth/token' }), /takes it as http:.*\/fhir\/auth\/token/],
    ['invalid_url', 0, (doc) => ({ ...doc, revocation_endpoint: 'https://[' }), /leaves it out/],
    ['no_authorization_endpoint', 0, ({ authorization_endpoint: _gone, ...doc }) => doc, /No person can log in/],
    ['no_capabilities', 0, ({ capabilities: _gone, ...doc }) => doc, /rely on its manual/],
    ['no_openid_members', 0, ({ jwks_uri: _gone, ...doc }) => doc, /id_token cannot be verified/],
    [
      'no_client_credentials',
      0,
      (doc) => ({ ...doc, grant_types_supported: ['authorization_code'] }),
      /Backend services may not work/,
    ],
    [
      'algorithms',
      0,
      (doc) => ({ ...doc, token_endpoint_auth_signing_alg_values_supported: ['RS256'] }),
      /SMART requires both/,
    ],
  ]
  test.each(cases)('%s', async (code, exitCode, change, meaning) => {
    const result = await discover(change)
    expect(findingCodes(result.report)).toEqual([code])
    expect(result.report.findings).toEqual([expect.objectContaining({ meaning: expect.stringMatching(meaning) })])
    expect(result.code).toBe(exitCode)
    expect(result.text).toContain(`(${code})`)
  })

  test('insecure_endpoint: the library does without the whole document', async () => {
    const result = await discover((doc) => ({ ...doc, token_endpoint: 'http://auth.example.com/token' }))
    expect(findingCodes(result.report)).toEqual(['insecure_endpoint', 'no_token_endpoint'])
    expect(result.code).toBe(1)
  })

  test('wrong_issuer', async () => {
    const result = await discover(undefined, (origin) => ({
      [OPENID]: { issuer: `${origin}/other`, token_endpoint: `${origin}/token` },
    }))
    expect(findingCodes(result.report)).toEqual(['wrong_issuer'])
    expect(result.code).toBe(0)
  })

  test('endpoints_differ: says which one is used', async () => {
    const result = await discover(undefined, (origin) => ({
      [METADATA]: capabilityStatement({ authorize: `${origin}/authorize`, token: `${origin}/old/token` }),
    }))
    expect(findingCodes(result.report)).toEqual(['endpoints_differ'])
    expect(result.report).toMatchObject({ endpoints: { token_endpoint: `${result.origin}/token` } })
    expect(result.report.findings).toEqual([expect.objectContaining({ what: expect.stringContaining('/old/token') })])
  })

  test('missing_document: the CapabilityStatement has to do', async () => {
    const origin = await serveDocuments((self) => ({
      [METADATA]: capabilityStatement({ authorize: `${self}/authorize`, token: `${self}/token` }),
    }))
    const result = await run(['discover', `${origin}/fhir`, '--json'])
    expect(result.code).toBe(0)
    expect(findingCodes(result.json())).toEqual(['missing_document', 'pkce_missing', 'no_capabilities'])
    expect(result.json()).toMatchObject({ endpoints: { token_endpoint: `${origin}/token` } })
  })

  test('no_token_endpoint: with the failure of each source', async () => {
    const origin = await serveDocuments(() => ({ [METADATA]: { resourceType: 'CapabilityStatement', rest: [] } }))
    const { code, stdout } = await run(['discover', `${origin}/fhir`, '--issuer', origin])
    expect(code).toBe(1)
    expect(stdout).toMatch(/smart-configuration .*\n +It answered 404\./)
    expect(stdout).toMatch(/openid-configuration .*\n +It answered 404\./)
    expect(stdout).toMatch(/CapabilityStatement .*\n +It names no OAuth endpoint\./)
    expect(stdout).toContain('(no_token_endpoint)')
    expect(stdout).toMatch(/FAIL {2}See above\.\n$/)
  })

  test.each([
    [
      'redirect',
      302,
      { location: 'https://login.example.com/?state=hidden' },
      'It points to https://login.example.com/.',
    ],
    ['not_json', 200, { 'content-type': 'text/html' }, 'text/html'],
  ])('%s', async (finding, status, headers, reason) => {
    const origin = await serve((_request, response) => response.writeHead(status, headers).end('<h1>Log in</h1>'))
    const result = await run(['discover', `${origin}/fhir`, '--json'])
    expect(findingCodes(result.json())).toEqual([finding, finding, 'no_token_endpoint'])
    expect(JSON.stringify(result.json().sources)).toContain(reason)
    expect(result.stdout).not.toContain('hidden')
    expect(result.code).toBe(1)
  })

  test('content_type', async () => {
    const origin = await serve((request, response) => {
      const isSmart = request.url === SMART
      response.writeHead(isSmart ? 200 : 404, { 'content-type': 'text/plain' })
      response.end(isSmart ? JSON.stringify(smartConfiguration(origin)) : '')
    })
    const result = await run(['discover', `${origin}/fhir`, '--json'])
    expect(findingCodes(result.json())).toEqual(['content_type'])
    expect(result.code).toBe(0)
  })

  test('reset', async () => {
    const origin = await serve((request) => request.socket.destroy())
    expect(findingCodes((await run(['discover', origin, '--json'])).json())).toEqual([
      'reset',
      'reset',
      'no_token_endpoint',
    ])
  })
})

describe('what is no FHIR base URL is refused before anything is sent', () => {
  test.each([
    [
      'https://fhir.example.com/r4/.well-known/smart-configuration',
      'without what follows it: https://fhir.example.com/r4',
    ],
    ['https://fhir.example.com/r4/metadata', 'without what follows it: https://fhir.example.com/r4'],
    ['http://fhir.example.com/r4', 'must be https'],
    ['fhir.example.com', 'is not an absolute URL'],
    ['https://fhir.example.com/r4?tenant=1', 'has no query and no fragment'],
  ])('%s', async (url, message) => {
    const { code, stderr } = await run(['discover', url])
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })

  test('an unknown dialect', async () => {
    const { code, json } = await run(['discover', 'https://fhir.example.com', '--dialect', 'other', '--json'])
    expect(code).toBe(2)
    expect(json()).toEqual({
      command: 'discover',
      ok: false,
      error: {
        code: 'usage',
        message: expect.stringContaining('There is no dialect "other". Use one of smart, intelichart,'),
      },
    })
  })
})
