import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startBackend } from './support/backend.ts'
import { type Run, run } from './support/run.ts'
import { serve } from './support/server.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const SECRET = 'a-secret-of-this-test'
const REDIRECT_URI = 'https://portal.example.com/callback'

interface ShownCheck {
  name: string
  status: string
  summary: string
  details: string[]
}
const checksOf = ({ json }: Run) => json().checks as ShownCheck[]
const statuses = (result: Run) => checksOf(result).map(({ name, status }) => `${name} ${status}`)
const check = (result: Run, name: string) => {
  const found = checksOf(result).find((one) => one.name === name)
  return { status: found?.status, text: [found?.summary, ...(found?.details ?? [])].join('\n') }
}

function configure(members: Record<string, unknown>, folder = temporaryFolder()): string {
  const path = join(folder, 'login.json')
  writeFileSync(path, JSON.stringify({ clientId: 'portal', redirectUri: REDIRECT_URI, ...members }))
  return path
}
const doctor = (members: Record<string, unknown>, args: readonly string[] = []) =>
  run(['doctor', '--config', configure(members), '--json', ...args])

/** The sandbox with a login client `portal`. */
async function startLogin(mode: 'smart' | 'intelichart' = 'smart') {
  const client = { clientId: 'portal', clientSecret: SECRET, redirectUris: [REDIRECT_URI] }
  const { sandbox, jwksUrl, file } = await startBackend({ mode, clients: [client] })
  const settings = {
    fhirBaseUrl: sandbox.fhirBaseUrl,
    clientSecret: SECRET,
    scope: 'openid fhirUser launch/patient patient/*.rs',
  }
  return { sandbox, settings, jwksUrl, file }
}

/** A server that answers what a test says, at its authorization endpoint, and is right elsewhere. */
async function startServer(
  authorize: (parameters: URLSearchParams) => { status: number; location?: string; body?: string },
  metadata: Record<string, unknown> = {},
  keys: unknown = { keys: [generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'jwk' })] },
) {
  const asked: URLSearchParams[] = []
  const origin = await serve((request, response) => {
    const url = new URL(request.url ?? '', origin)
    const answer = (document: unknown) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
    if (url.pathname === '/.well-known/smart-configuration') {
      answer({
        issuer: origin,
        jwks_uri: `${origin}/jwks`,
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/token`,
        capabilities: ['launch-standalone'],
        code_challenge_methods_supported: ['S256'],
        ...metadata,
      })
    } else if (url.pathname === '/jwks') answer(keys)
    else if (url.pathname === '/authorize') {
      asked.push(url.searchParams)
      const { status, location, body = '' } = authorize(url.searchParams)
      response.writeHead(status, { 'content-type': 'text/html', ...(location && { location }) }).end(body)
    } else response.writeHead(404).end()
  })
  const settings = { fhirBaseUrl: origin, clientSecret: SECRET, scope: 'openid launch/patient patient/*.rs' }
  return { origin, settings, asked }
}

const backWith = (members: Record<string, string>) => (parameters: URLSearchParams) => ({
  status: 302,
  location: `${parameters.get('redirect_uri')}?${new URLSearchParams({ state: parameters.get('state') ?? '', ...members })}`,
})

describe('a configuration with a redirectUri is checked as a login', () => {
  test('a login that is right: seven lines, nothing but GET is sent, and no secret with it', async () => {
    const { sandbox, settings } = await startLogin()
    const result = await doctor(settings)
    expect(statuses(result)).toEqual([
      'configuration green',
      'redirect green',
      'keys skipped',
      'jwks skipped',
      'discovery green',
      'issuer green',
      'authorize green',
      'token skipped',
    ])
    expect(result.code).toBe(0)
    expect(check(result, 'authorize').text).toContain('login_required')
    expect(sandbox.requests.every(({ method }) => method === 'GET')).toBe(true)
    const [sent] = sandbox.requestsTo('/authorize')
    expect(sent?.query.get('prompt')).toBe('none')
    expect(sent?.query.get('code_challenge_method')).toBe('S256')
    expect(JSON.stringify(sandbox.requests)).not.toContain(SECRET)
    expect(result.stdout).not.toContain(SECRET)
  })

  test('InteliChart, with its issuer on another host', async () => {
    const { settings, sandbox } = await startLogin('intelichart')
    const result = await doctor({ ...settings, dialect: 'intelichart', issuer: sandbox.issuer })
    expect(statuses(result).filter((status) => status.endsWith('red'))).toEqual([])
    expect(result.code).toBe(0)
  })

  test('a login with keys: they and their hosting are checked as well', async () => {
    const { settings, jwksUrl, file } = await startLogin()
    const result = await doctor({ ...settings, clientSecret: undefined, privateJwks: file, jwksUrl })
    expect(statuses(result).slice(2, 4)).toEqual(['keys green', 'jwks amber'])
  })

  test('a public client needs neither', async () => {
    const { settings } = await startServer(backWith({ error: 'login_required' }))
    const result = await doctor({ ...settings, clientSecret: undefined })
    expect(statuses(result)[0]).toBe('configuration green')
    expect(result.code).toBe(0)
  })

  test('as text', async () => {
    const { settings } = await startLogin()
    const { stdout } = await run(['doctor', '--config', configure(settings)])
    expect(stdout).toMatch(/^ok {4}Configuration: portal at http.*, dialect smart, a login\nok {4}Redirect URI: /)
  })
})

describe('RFC 6749 §3.1.2, RFC 9700 §4.1.3: the form of the redirect URI', () => {
  test.each([
    ['not https', 'http://portal.example.com/callback', 'https'],
    ['a fragment', 'https://portal.example.com/callback#done', 'fragment'],
    ['a wildcard', 'https://*.example.com/callback', 'wildcard'],
    ['no URL', 'portal/callback', 'redirectUri'],
    ['a scheme of its own', 'portal://callback', 'https'],
  ])('%s is refused, and nothing is sent', async (_title, redirectUri, words) => {
    const { settings, asked } = await startServer(backWith({ error: 'login_required' }))
    const result = await doctor({ ...settings, redirectUri })
    expect(check(result, 'redirect')).toEqual({ status: 'red', text: expect.stringContaining(words) })
    expect(statuses(result).at(-2)).toBe('authorize skipped')
    expect(asked).toEqual([])
    expect(result.code).toBe(1)
  })

  test('plain http on this machine is for development', async () => {
    const { settings } = await startServer(backWith({ error: 'login_required' }))
    const result = await doctor({ ...settings, redirectUri: 'http://127.0.0.1:3000/callback' })
    expect(check(result, 'redirect').status).toBe('green')
  })
})

describe('what a login needs of discovery', () => {
  test('PKCE without S256', async () => {
    const { settings } = await startServer(backWith({ error: 'login_required' }), {
      code_challenge_methods_supported: ['plain'],
    })
    const result = await doctor(settings)
    expect(check(result, 'discovery')).toEqual({ status: 'red', text: expect.stringContaining('S256') })
    expect(result.code).toBe(1)
  })

  test('no authorization endpoint', async () => {
    const { settings } = await startServer(backWith({}), { authorization_endpoint: undefined })
    const result = await doctor(settings)
    expect(check(result, 'discovery')).toEqual({
      status: 'red',
      text: expect.stringContaining('no authorization endpoint'),
    })
    expect(check(result, 'authorize').status).toBe('skipped')
  })

  test('a server that takes another way to authenticate the client', async () => {
    const { settings } = await startServer(backWith({ error: 'login_required' }), {
      token_endpoint_auth_methods_supported: ['private_key_jwt'],
    })
    expect(check(await doctor(settings), 'discovery')).toEqual({
      status: 'amber',
      text: expect.stringContaining('private_key_jwt'),
    })
  })

  test('no client_credentials is none of a login’s matters', async () => {
    const { settings } = await startServer(backWith({ error: 'login_required' }), {
      grant_types_supported: ['authorization_code'],
    })
    expect(check(await doctor(settings), 'discovery').status).toBe('green')
  })
})

describe('OIDC Core §3.1.3.7: who vouches for the person', () => {
  const loginRequired = backWith({ error: 'login_required' })

  test('without openid in the scope nothing is asked', async () => {
    const { settings } = await startServer(loginRequired)
    expect(check(await doctor({ ...settings, scope: 'launch/patient patient/*.rs' }), 'issuer').status).toBe('skipped')
  })

  test.each([
    ['no issuer', { issuer: undefined }, 'metadata.issuer'],
    ['no keys of it', { jwks_uri: undefined }, 'jwks_uri'],
    ['an issuer that nobody confirms', { issuer: 'http://127.0.0.1:9/other' }, 'metadata.issuer'],
  ])('%s', async (_title, metadata, words) => {
    const { settings } = await startServer(loginRequired, metadata)
    const result = await doctor(settings)
    expect(check(result, 'issuer')).toEqual({ status: 'red', text: expect.stringContaining(words) })
    expect(result.code).toBe(1)
  })

  test.each([
    ['an empty set', { keys: [] }],
    ['no set', { message: 'none' }],
    ['keys for encryption only', { keys: [{ kty: 'RSA', use: 'enc', n: 'AQAB', e: 'AQAB' }] }],
  ])('the keys of the issuer: %s', async (_title, keys) => {
    const { settings } = await startServer(loginRequired, {}, keys)
    expect(check(await doctor(settings), 'issuer')).toEqual({
      status: 'red',
      text: expect.stringContaining('no key for signatures'),
    })
  })

  test('algorithms that this library does not take', async () => {
    const { settings } = await startServer(loginRequired, { id_token_signing_alg_values_supported: ['HS256'] })
    expect(check(await doctor(settings), 'issuer')).toEqual({ status: 'red', text: expect.stringContaining('HS256') })
  })
})

describe('RFC 6749 §4.1.2.1: what the authorization endpoint answers to a harmless request', () => {
  test.each([
    ['invalid_scope', /Ask only for what is registered: openid launch\/patient patient\/\*\.rs/],
    ['unauthorized_client', /authorization code/],
    ['unsupported_response_type', /authorization code/],
    ['invalid_request', /description/],
    ['server_error', /try again later/],
  ])('%s', async (error, advice) => {
    const { settings } = await startServer(backWith({ error, error_description: 'as the test says' }))
    const result = await doctor(settings)
    const { status, text } = check(result, 'authorize')
    expect(status).toBe('red')
    expect(text).toContain(`${error} (as the test says)`)
    expect(text).toMatch(advice)
    expect(result.code).toBe(1)
  })

  test.each(['login_required', 'interaction_required', 'consent_required', 'account_selection_required'])(
    'OIDC Core §3.1.2.6: %s means that the request is right',
    async (error) => {
      const { settings } = await startServer(backWith({ error }))
      expect(check(await doctor(settings), 'authorize').status).toBe('green')
    },
  )

  test('a client or redirect URI that the server does not know', async () => {
    const { settings } = await startLogin()
    const wrong = await doctor({ ...settings, redirectUri: 'https://portal.example.com/other' })
    expect(check(wrong, 'authorize')).toEqual({ status: 'red', text: expect.stringContaining('redirect URI') })
    expect(wrong.code).toBe(1)
    const nobody = await doctor({ ...settings, clientId: 'nobody' })
    expect(check(nobody, 'authorize')).toEqual({ status: 'red', text: expect.stringContaining('nobody') })
  })

  test('a login page elsewhere is not followed', async () => {
    const { settings, asked } = await startServer(() => ({
      status: 302,
      location: 'http://127.0.0.1:9/login?secret=1',
    }))
    const result = await doctor(settings)
    expect(check(result, 'authorize')).toEqual({ status: 'green', text: expect.stringContaining('127.0.0.1:9') })
    expect(check(result, 'authorize').text).not.toContain('secret=1')
    expect(asked).toHaveLength(1)
  })

  test('an error page of the server’s own is a refusal, and shows its error', async () => {
    const { settings } = await startServer(() => ({
      status: 302,
      location: '/error?error=invalid_client&token=secret-1',
    }))
    const result = await doctor(settings)
    expect(check(result, 'authorize')).toEqual({ status: 'red', text: expect.stringContaining('invalid_client') })
    expect(check(result, 'authorize').text).toContain('Check that exactly this redirect URI is registered')
    expect(result.stdout).not.toContain('secret-1')
  })

  test('a page with 200 proves little, and that is said', async () => {
    const { settings } = await startServer(() => ({ status: 200, body: '<form>Sign in</form>' }))
    expect(check(await doctor(settings), 'authorize')).toEqual({
      status: 'green',
      text: expect.stringContaining('in a browser'),
    })
    const refusing = await startServer(() => ({ status: 200, body: '<p>error: invalid_client</p>' }))
    expect(check(await doctor(refusing.settings), 'authorize')).toEqual({
      status: 'amber',
      text: expect.stringContaining('invalid_client'),
    })
  })

  test('a code is thrown away, and not shown', async () => {
    const { settings } = await startServer(backWith({ code: 'code-of-this-test' }))
    const result = await doctor(settings)
    expect(check(result, 'authorize').status).toBe('green')
    expect(result.stdout).not.toContain('code-of-this-test')
  })

  test('an error without the state', async () => {
    const { settings } = await startServer((parameters) => ({
      status: 302,
      location: `${parameters.get('redirect_uri')}?error=login_required`,
    }))
    expect(check(await doctor(settings), 'authorize')).toEqual({
      status: 'amber',
      text: expect.stringContaining('state'),
    })
  })

  test.each([
    [404, 'no authorization endpoint'],
    [503, 'try again later'],
  ])('status %i', async (status, words) => {
    const { settings } = await startServer(() => ({ status }))
    expect(check(await doctor(settings), 'authorize')).toEqual({ status: 'red', text: expect.stringContaining(words) })
  })
})

describe('RFC 9700 §4.4: registrations that share one redirect URI', () => {
  test('are found among the files of one app', async () => {
    const { settings } = await startServer(backWith({ error: 'login_required' }))
    const other = configure({ ...settings, fhirBaseUrl: 'https://b.example.com/fhir' })
    const third = configure({ fhirBaseUrl: 'https://c.example.com/fhir', redirectUri: `${REDIRECT_URI}?server=c` })
    const result = await doctor(settings, ['--with', other, third])
    const { status, text } = check(result, 'redirect')
    expect(status).toBe('amber')
    expect(text).toContain('https://b.example.com/fhir')
    expect(text).toContain(`${REDIRECT_URI}?server=`)
    expect(text).not.toContain('c.example.com')
    expect(result.code).toBe(0)
  })

  test('of a public client: the app does not start with it', async () => {
    const { settings } = await startServer(backWith({ error: 'login_required' }))
    const other = configure({ ...settings, fhirBaseUrl: 'https://b.example.com/fhir', clientSecret: undefined })
    const result = await doctor(settings, ['--with', other])
    expect(check(result, 'redirect')).toEqual({
      status: 'red',
      text: expect.stringContaining('allowSharedRedirectUri'),
    })
  })

  test('a file that is not there is wrong usage', async () => {
    const { settings } = await startServer(backWith({ error: 'login_required' }))
    expect((await doctor(settings, ['--with', 'nowhere.json'])).code).toBe(2)
  })
})
