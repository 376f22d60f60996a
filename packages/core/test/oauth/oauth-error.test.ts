import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AdapterRequest } from '../../src/adapter.ts'
import { clientSecretBasic, FhirAuthError, loadKeySet, privateKeyJwt } from '../../src/index.ts'
import { checkAuthorizationResponse } from '../../src/oauth/authorization-response.ts'
import { oauthErrorOf } from '../../src/oauth/oauth-error.ts'
import { postAuthenticated } from '../../src/oauth/token-request.ts'
import { withoutSecrets } from '../../src/oauth/without-secrets.ts'
import { problemAnswer } from '../../src/web/answers.ts'
import { startServer } from '../support/http-server.ts'
import { registeredClient } from '../support/registered-client.ts'

const SECRET = 'a-client-secret'

/** The error of one token request that a server answers like this. */
async function refusalOf(
  status: number,
  body: unknown,
  { headers = {}, clientAuth = clientSecretBasic(SECRET) } = {},
): Promise<FhirAuthError> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const server = await startServer((_request, response) => void response.writeHead(status, headers).end(text))
  const tokenEndpoint = `${server.origin}/token`
  const parameters = new URLSearchParams({ grant_type: 'authorization_code', code: 'the-authorization-code' })
  const error = await postAuthenticated({
    client: registeredClient({ clientAuth }),
    server: { tokenEndpoint, issuer: undefined },
    url: tokenEndpoint,
    parameters,
    grantType: 'authorization_code',
    channel: { http: {}, now: Date.now },
  }).then(
    () => undefined,
    (failure: unknown) => failure,
  )
  expect(error).toBeInstanceOf(FhirAuthError)
  expect(server.requests).toHaveLength(1)
  return error as FhirAuthError
}

describe('errors of the token endpoint', () => {
  it.each([
    'invalid_request',
    'invalid_client',
    'invalid_grant',
    'unauthorized_client',
    'unsupported_grant_type',
    'invalid_scope',
  ])('ERR-01 %s becomes a typed error, whatever the status', async (error) => {
    for (const status of [400, 401, 403, 500]) {
      const body = { error, error_description: 'as the server says', error_uri: 'https://ehr.example/help' }
      const headers = { 'www-authenticate': 'Basic realm="ehr"' }
      expect(await refusalOf(status, body, { headers })).toMatchObject({
        code: 'token_request_refused',
        ...body,
        message: expect.stringContaining(`/token answered ${status}: ${error} (as the server says).`),
      })
    }
  })

  it.each([null, 5, '', {}, []])('ERR-01 an error_description and error_uri of %j count as absent', async (nothing) => {
    const error = await refusalOf(400, { error: 'invalid_grant', error_description: nothing, error_uri: nothing })
    expect([error.error, error.error_description, error.error_uri]).toEqual(['invalid_grant', undefined, undefined])
    expect(error.toProblem()).not.toHaveProperty('error_description')
    expect(error.message).toMatch(/: invalid_grant\. The code or token has expired .* has to log in again\.$/)
  })

  it('ERR-01 a description that is a sentence ends with one full stop', async () => {
    const error = await refusalOf(400, { error: 'invalid_grant', error_description: 'The code has expired. ' })
    expect(error.message).toMatch(/: invalid_grant \(The code has expired\)\. The code or token/)
  })

  it('ERR-01 Retry-After says when a new try makes sense', async () => {
    const wait = async (value: string) =>
      (await refusalOf(503, '', { headers: { 'retry-after': value } })).retryAfterSeconds
    expect(await wait('17')).toBe(17)
    expect(await wait(new Date(Date.now() + 30_000).toUTCString())).toBeGreaterThan(25)
    expect(await wait('soon')).toBeUndefined()
    expect((await refusalOf(503, '')).retryAfterSeconds).toBeUndefined()
  })

  it('ERR-02 bad credentials and a grant that is not enabled get different advice', async () => {
    const awkward = clientSecretBasic('a-secret+with/signs')
    const credentials = await refusalOf(400, { error: 'invalid_client' }, { clientAuth: awkward })
    expect(credentials.error).toBe('invalid_client')
    expect(credentials.message).toContain("encoding: 'rfc6749'")
    const grant = await refusalOf(400, { error: 'unauthorized_client' }, { clientAuth: awkward })
    expect(grant.error).toBe('unauthorized_client')
    expect(grant.message).toMatch(/credentials are right/)
    expect(grant.message).not.toContain('rfc6749')
  })

  it('ERR-02 a client that signs is told to look at its registered key', async () => {
    const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-384' }, true, ['sign'])
    const keys = await loadKeySet({ ...(await crypto.subtle.exportKey('jwk', privateKey)), alg: 'ES384', kid: 'key-7' })
    const error = await refusalOf(401, { error: 'invalid_client' }, { clientAuth: privateKeyJwt(keys) })
    expect(error.message).toContain('"key-7" (ES384)')
  })

  it.each([
    ['a web page', 403, `<html>Blocked. Your request: code=the-authorization-code ${SECRET}</html>`],
    ['nothing', 500, ''],
    ['JSON that is no object', 400, '["invalid_grant"]'],
    ['an error that is no text', 400, { error: { code: 5 } }],
  ])(
    'ERR-03 an answer that is no OAuth error gives its status and nothing of its body: %s',
    async (_name, status, body) => {
      const error = await refusalOf(status, body)
      expect(error).toMatchObject({ code: 'token_request_refused', error: undefined })
      const step = status < 500 ? '' : ' The server, or a proxy before it, has failed: try again later\\.'
      expect(error.message).toMatch(
        new RegExp(`^http://127\\.0\\.0\\.1:\\d+/token answered ${status} without an OAuth error\\.${step}$`),
      )
    },
  )

  it.each([
    [
      'plain text',
      'No such client here.\r\nAsk us.',
      { 'content-type': 'text/plain; charset=utf-8' },
      'No such client here. Ask us.',
    ],
    ['a gateway', { message: `bad key ${SECRET}` }, {}, 'bad key [secret]'],
    ['Apigee', { fault: { faultstring: 'Invalid ApiKey' } }, {}, 'Invalid ApiKey'],
    ['problem details', { title: 'Forbidden', detail: 'Not from this network' }, {}, 'Not from this network'],
    [
      'an OperationOutcome',
      { resourceType: 'OperationOutcome', issue: [{ code: 'security', diagnostics: 'Client is suspended' }] },
      {},
      'Client is suspended',
    ],
    ['a challenge alone', '', { 'www-authenticate': 'Basic realm="ehr"' }, 'Basic realm="ehr"'],
    ['an error that is no text', { error: { message: 'Blocked' } }, {}, 'Blocked'],
    ['a very long text', { message: 'x'.repeat(200_000) }, {}, `${'x'.repeat(200)}…`],
  ])('ERR-03 a refusal without an OAuth error shows a short text of it: %s', async (_name, body, headers, text) => {
    const error = await refusalOf(403, body, { headers })
    expect(error).toMatchObject({ code: 'token_request_refused', error: undefined })
    expect(error.message.replace(/^\S+/, '')).toBe(` answered 403 with the text "${text}".`)
  })

  it('ERR-01 RFC 6750 §3: an error that is in WWW-Authenticate alone is the OAuth error', async () => {
    const challenge = `Bearer realm="e\\"hr", error="invalid_client", error_description="Unknown \\"app\\" ${SECRET}"`
    const error = await refusalOf(401, '', { headers: { 'www-authenticate': challenge } })
    expect(error).toMatchObject({ error: 'invalid_client', error_description: 'Unknown "app" [secret]' })
  })

  it('ERR-03 a web page is never shown, whatever it calls itself', async () => {
    const error = await refusalOf(403, ' <html>Blocked</html>', { headers: { 'content-type': 'text/plain' } })
    expect(error.message).toMatch(/answered 403 without an OAuth error\.$/)
  })

  it('ERR-03 an error code of the vendor’s own reaches the caller as it is', async () => {
    expect(await refusalOf(403, { error: 'public_key error' })).toMatchObject({ error: 'public_key error' })
  })

  it('ERR-03 long and multi-line texts are cut to one short line', async () => {
    const error = await refusalOf(400, {
      error: `x\r\n${'y'.repeat(500)}`,
      error_description: `a\n\u2028\u202e${'b'.repeat(9999)}`,
    })
    expect(error.error?.length).toBeLessThanOrEqual(81)
    expect(error.error_description?.length).toBeLessThanOrEqual(201)
    expect(error.message).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  })
})

describe('errors of the authorization endpoint', () => {
  const checks = {
    ...{ state: 'the-state', codeVerifier: undefined, nonce: undefined, issuer: undefined, issuerInResponse: false },
    ...{ fhirBaseUrl: 'https://ehr.example/fhir', clientId: 'app', redirectUri: 'https://app.example/callback' },
    ...{ scope: 'openid', tokenEndpoint: 'https://ehr.example/token' },
  }
  const errorOf = (parameters: Record<string, string>): unknown => {
    try {
      return checkAuthorizationResponse(new URLSearchParams(parameters), checks)
    } catch (error) {
      return error
    }
  }

  it.each([
    ['access_denied', 'authorization_denied', 403],
    ['invalid_request', 'authorization_failed', 502],
    ['unauthorized_client', 'authorization_failed', 502],
    ['unsupported_response_type', 'authorization_failed', 502],
    ['invalid_scope', 'authorization_failed', 502],
    ['server_error', 'authorization_failed', 502],
    ['temporarily_unavailable', 'authorization_failed', 502],
    ['login_required', 'authorization_failed', 502],
    ['consent_required', 'authorization_failed', 502],
    ['vendor_specific', 'authorization_failed', 502],
  ])('ERR-04 %s reaches the caller by its name', (error, code, status) => {
    const failure = errorOf({ state: 'the-state', error, error_description: 'why', error_uri: 'https://ehr.example/e' })
    expect(failure).toMatchObject({
      ...{ code, status, error, error_description: 'why', error_uri: 'https://ehr.example/e' },
      message: expect.stringContaining(`${error} (why)`),
    })
  })

  it('ERR-04 an error counts for nothing before the state is right', () => {
    const failure = errorOf({ state: 'another', error: 'access_denied', error_description: 'why' })
    expect(failure).toMatchObject({ code: 'state_mismatch', error: undefined, error_description: undefined })
  })
})

describe('error_uri', () => {
  it.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    '/relative',
    'not a URL',
    '//host/x',
    5,
    null,
  ])('ERR-07 an error_uri that is no http or https URL is dropped: %j', (error_uri) => {
    expect(oauthErrorOf({ error: 'invalid_grant', error_uri })).toEqual({ error: 'invalid_grant' })
  })

  it('ERR-07 an https error_uri is shown as an escaped link, on the page and to a program', () => {
    const oauth = oauthErrorOf({
      error: 'server_error',
      error_uri: `https://ehr.example/?q="><script>alert(1)</script>'`,
    })
    const error = new FhirAuthError('authorization_failed', 'Refused.', { oauth })
    const request: AdapterRequest = { method: 'GET', url: '/callback', header: () => 'text/html' }
    const page = problemAnswer(error, request).body
    expect(page).toMatch(/<a href="https:\/\/ehr\.example\/[^"<>]*">/)
    expect(page).not.toContain('<script>')
    expect(error.toProblem().error_uri).toMatch(/^https:\/\/ehr\.example\//)
  })
})

describe('secrets in what a server quotes', () => {
  const spellings = (secret: string) => [
    secret,
    encodeURIComponent(secret),
    new URLSearchParams({ x: secret }).toString().slice(2),
  ]

  it.each(['plain-secret', 'with space and + sign', "with !'()*~ signs", 'ünïcode-sécret', 'a&b=c%20d/e'])(
    'ERR-06 %s is blotted out in every spelling in which a request carries it',
    (secret) => {
      for (const spelling of spellings(secret)) {
        const members = { error: 'invalid_request', error_description: `You sent x=${spelling}&y, which is wrong.` }
        expect(oauthErrorOf(members, [secret])?.error_description).toBe('You sent x=[secret]&y, which is wrong.')
      }
    },
  )

  it('ERR-06 a secret that contains another one leaves no rest', () => {
    expect(withoutSecrets('code abcd-efgh-ijkl!', ['abcd', 'abcd-efgh-ijkl'])).toBe('code [secret]!')
  })

  it('ERR-06 the credentials, the code and the assertion that were sent are blotted out of the server’s answer', async () => {
    const echo = await startServer((request, response) => {
      const said = `${request.headers.authorization} ${request.body}`
      response
        .writeHead(400)
        .end(JSON.stringify({ error: said, error_description: said, error_uri: `https://e/?${said}` }))
    })
    const tokenEndpoint = `${echo.origin}/token`
    const parameters = new URLSearchParams({
      grant_type: 'authorization_code',
      code: 'the-authorization-code',
      code_verifier: 'the-verifier',
    })
    const attempt = postAuthenticated({
      client: registeredClient({ clientAuth: clientSecretBasic(SECRET) }),
      server: { tokenEndpoint, issuer: undefined },
      url: tokenEndpoint,
      parameters,
      grantType: 'authorization_code',
      channel: { http: {}, now: Date.now },
    })
    const failure = await attempt.catch((error: FhirAuthError) => error)
    const seen = JSON.stringify([failure, (failure as FhirAuthError).message, (failure as FhirAuthError).toProblem()])
    expect(seen).toContain('[secret]')
    for (const secret of [SECRET, btoa(`app:${SECRET}`), 'the-authorization-code', 'the-verifier']) {
      expect(seen).not.toContain(secret)
    }
  })
})

describe('any JSON at all', () => {
  const keys = fc.oneof(fc.constantFrom('error', 'error_description', 'error_uri', '__proto__'), fc.string())
  const members = fc
    .array(fc.tuple(keys, fc.oneof(fc.jsonValue(), fc.string(), fc.webUrl())))
    .map((entries) =>
      JSON.parse(`{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)}}`),
    )

  it('ERR-01 ERR-07 SEC-09 gives no error, or one that is short, of one line and with an http link at most', () => {
    fc.assert(
      fc.property(members, (candidate) => {
        const fields = oauthErrorOf(candidate)
        const own = Object.hasOwn(candidate, 'error') && typeof candidate.error === 'string' && candidate.error !== ''
        expect(fields !== undefined).toBe(own)
        if (fields === undefined) return
        expect(`${fields.error}${fields.error_description}`).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
        expect(fields.error_description?.length ?? 0).toBeLessThanOrEqual(201)
        if (fields.error_uri !== undefined) expect(new URL(fields.error_uri).protocol).toMatch(/^https?:$/)
        expect(Object.keys(Object.prototype)).toEqual([])
      }),
      { numRuns: 500 },
    )
  })
})
