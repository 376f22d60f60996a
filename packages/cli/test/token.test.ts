import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startBackend } from './support/backend.ts'
import { run } from './support/run.ts'
import { serve, serveDocuments } from './support/server.ts'

const SECRET = 'a-secret-of-this-test'

describe('a token is had', () => {
  test('by the environment: assertion, request and answer are shown, but neither signature nor token', async () => {
    const { sandbox, env } = await startBackend()
    const { code, stdout, stderr } = await run(['token', '--json'], env)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const result = JSON.parse(stdout)
    const tokenEndpoint = `${sandbox.issuer}/token`
    expect(result).toMatchObject({
      command: 'token',
      ok: true,
      configuration: {
        clientId: { value: 'job', from: 'CLIENT_ID' },
        privateJwks: { value: '[not shown]', from: 'PRIVATE_JWKS' },
      },
      tokenEndpoint,
      discoveredIn: [`${sandbox.fhirBaseUrl}/.well-known/smart-configuration`],
      assertion: {
        header: { alg: 'ES384', typ: 'JWT', kid: expect.any(String) },
        claims: { iss: 'job', sub: 'job', aud: tokenEndpoint, jti: expect.any(String) },
      },
      request: {
        method: 'POST',
        url: tokenEndpoint,
        form: {
          grant_type: 'client_credentials',
          scope: 'system/Patient.rs',
          client_assertion: '[shown above, without its signature]',
        },
      },
      answer: { status: 200, body: { token_type: 'Bearer', access_token: expect.stringMatching(/^\[not shown/) } },
      token: { scope: 'system/Patient.rs', scopeMissing: [], lifetimeSeconds: 300 },
    })
    const [sent] = sandbox.requestsTo('/token')
    const [header = '', claims = '', signature = ''] = sent?.form.get('client_assertion')?.split('.') ?? []
    expect(signature).not.toBe('')
    expect(stdout).not.toContain(signature)
    const shown = [result.assertion.header, result.assertion.claims]
    expect(shown).toEqual([header, claims].map((part) => JSON.parse(Buffer.from(part, 'base64url').toString())))
    expect(Object.keys(result.request.form)).toEqual([...(sent?.form.keys() ?? [])])
  })

  test('as text', async () => {
    const { env, sandbox } = await startBackend()
    const { code, stdout } = await run(['token'], env)
    expect(code).toBe(0)
    const parts = [
      'Assertion header',
      '"alg": "ES384"',
      'Assertion claims',
      '"iss": "job"',
      'Request',
      `POST ${sandbox.issuer}/token`,
      'grant_type',
      'Answer 200',
      '"token_type": "Bearer"',
      'ok    A token for 300 s',
    ]
    expect(parts.filter((part) => !stdout.includes(part))).toEqual([])
    expect(parts.map((part) => stdout.indexOf(part))).toEqual(
      parts.map((part) => stdout.indexOf(part)).sort((a, b) => a - b),
    )
  })

  test('--reveal shows the token and the whole assertion', async () => {
    const { env, sandbox } = await startBackend()
    const { stdout } = await run(['token', '--reveal', '--json'], env)
    const { token, assertion, answer } = JSON.parse(stdout)
    expect(assertion.compact).toBe(sandbox.requestsTo('/token')[0]?.form.get('client_assertion'))
    expect(answer.body.access_token).toBe(token.accessToken)
    const read = await fetch(`${sandbox.fhirBaseUrl}/Patient?_count=1`, {
      headers: { authorization: `Bearer ${token.accessToken}` },
    })
    expect(read.status).toBe(200)
    const text = (await run(['token', '--reveal'], env)).stdout
    expect(text).toContain(sandbox.requestsTo('/token')[1]?.form.get('client_assertion'))
  })

  test('InteliChart: the request of its dialect', async () => {
    const { env, jwksUrl, sandbox } = await startBackend({ mode: 'intelichart' })
    const { code, stdout } = await run(['token', '--dialect', 'intelichart', '--jwks-url', jwksUrl, '--json'], env)
    expect(code).toBe(0)
    expect(JSON.parse(stdout).assertion.claims).toMatchObject({ jwks_url: jwksUrl, accessTokensExpireIn: 5 })
    expect(sandbox.requestsTo('/token')).toHaveLength(1)
  })

  test('with a client secret, from the environment or a file', async () => {
    const { env, configure } = await startBackend({ clients: [{ clientId: 'symmetric', clientSecret: SECRET }] })
    const { PRIVATE_JWKS: _keys, ...rest } = env
    const byEnvironment = await run(['token', '--json'], { ...rest, CLIENT_ID: 'symmetric', CLIENT_SECRET: SECRET })
    expect(byEnvironment.code).toBe(0)
    expect(byEnvironment.json()).toMatchObject({ request: { headers: { authorization: 'Basic [not shown]' } } })
    expect(byEnvironment.json()).not.toHaveProperty('assertion')
    const path = configure({ clientId: 'symmetric', clientSecret: SECRET, privateJwks: undefined })
    const byFile = await run(['token', '--config', path])
    expect(byFile.code).toBe(0)
    for (const { stdout } of [byEnvironment, byFile]) {
      expect(stdout).not.toContain(SECRET)
      expect(stdout).not.toContain(Buffer.from(`symmetric:${SECRET}`).toString('base64'))
    }
  })

  test('less scope than asked for is a warning', async () => {
    const { env } = await startBackend({ clients: [] })
    const host = await serveDocuments((origin) => ({
      '/.well-known/smart-configuration': { token_endpoint: `${origin}/token` },
      '/token': { access_token: 'opaque-token-value', token_type: 'bearer', scope: 'system/Group.rs', expires_in: 60 },
    }))
    const { code, stdout } = await run(['token'], { ...env, FHIR_BASE_URL: host })
    expect(code).toBe(0)
    expect(stdout).toContain('warn  Not granted: system/Patient.rs')
  })
})

test('RSP-01 another word for Bearer: the advice names the dialect rule that takes it', async () => {
  const { env } = await startBackend({ clients: [] })
  const host = await serveDocuments((origin) => ({
    '/.well-known/smart-configuration': { token_endpoint: `${origin}/token` },
    '/token': { access_token: 'opaque-token-value', token_type: 'BearerToken', expires_in: 60 },
  }))
  const { code, stdout, stderr } = await run(['token'], { ...env, FHIR_BASE_URL: host })
  expect(code).not.toBe(0)
  expect(stdout + stderr).toContain("token: { acceptedTypes: ['BearerToken'] }")
  expect(stdout + stderr).toContain("name it in your app's dialect")
})

describe('where the configuration comes from', () => {
  test('an option wins over the file, and the file over the environment', async () => {
    const { sandbox, env, configure } = await startBackend()
    const path = configure({ scope: 'system/Group.rs', clientId: 'job' })
    const elsewhere = { ...env, CLIENT_ID: 'another', SCOPE: 'system/Encounter.rs' }
    expect((await run(['token', '--config', path, '--scope', 'system/Condition.rs'], elsewhere)).code).toBe(0)
    const [sent] = sandbox.requestsTo('/token')
    expect(sent?.form.get('scope')).toBe('system/Condition.rs')
  })

  test('the keys may stand in the variable or in the file, and a path in the file is relative to it', async () => {
    const { env, file, configure } = await startBackend()
    const content = readFileSync(file, 'utf8')
    expect((await run(['token'], { ...env, PRIVATE_JWKS: content })).code).toBe(0)
    expect((await run(['token', '--config', configure()])).code).toBe(0)
    expect((await run(['token', '--config', configure({ privateJwks: JSON.parse(content) })])).code).toBe(0)
  })

  test.each([
    [
      'FHIR_BASE_URL',
      'There is no fhirBaseUrl. Set --fhir-base-url, or FHIR_BASE_URL, or "fhirBaseUrl" in the --config file.',
    ],
    ['CLIENT_ID', 'There is no clientId. Set --client-id'],
    ['SCOPE', 'There is no scope. Set --scope'],
    ['PRIVATE_JWKS', 'There is neither a key nor a secret. Set --private-jwks'],
  ])('without %s it says how to set it, and sends nothing', async (name, message) => {
    const { env, sandbox } = await startBackend()
    const { [name]: _gone, ...rest } = env
    const { code, stdout, stderr } = await run(['token'], rest)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(sandbox.requests).toEqual([])
  })

  test.each([
    ['a file that is not there', undefined, 'There is no file'],
    ['a file that is no JSON', `{ "clientSecret": "${SECRET}", }`, 'is not JSON'],
    ['a list', '[]', 'is not a JSON object'],
    ['a member that is not known', '{"clientID":"job"}', '"clientID" is not known. Known are fhirBaseUrl, clientId'],
    ['a member that is no text', '{"clientId":1}', '"clientId" is not a text'],
  ])('%s', async (_title, content, message) => {
    const { folder } = await startBackend()
    const path = join(folder, 'broken.json')
    if (content !== undefined) writeFileSync(path, content)
    const { code, stderr } = await run(['token', '--config', path])
    expect(code).toBe(2)
    expect(stderr).toContain(message)
    expect(stderr).not.toContain(SECRET)
  })

  test('InteliChart without the JWKS URL', async () => {
    const { env } = await startBackend()
    const { code, stderr } = await run(['token', '--dialect', 'intelichart'], env)
    expect(code).toBe(2)
    expect(stderr).toContain('Set --jwks-url, or JWKS_URL')
  })

  test('a key in base64, as one line of an environment file has it', async () => {
    const { env, file } = await startBackend()
    const result = await run(['token'], { ...env, PRIVATE_JWKS: readFileSync(file, 'base64') })
    expect(result.code).toBe(0)
  })

  test.each([
    ['hexadecimal', (text: string) => Buffer.from(text).toString('hex')],
    [
      'hexadecimal of many lines',
      (text: string) =>
        Buffer.from(text)
          .toString('hex')
          .replace(/(.{76})/g, '$1\n'),
    ],
    ['longer than a name can be', (text: string) => Buffer.from(text.repeat(50)).toString('hex')],
    ['in quotes', (text: string) => `'${text}'`],
  ])('a key that is not understood (%s) is not repeated in the message', async (_title, disguise) => {
    const { env, file } = await startBackend()
    const value = disguise(JSON.stringify(JSON.parse(readFileSync(file, 'utf8'))))
    for (const args of [['token'], ['token', '--private-jwks', value], ['doctor', '--json']]) {
      const { code, stdout, stderr } = await run(args, { ...env, PRIVATE_JWKS: value })
      expect(code).toBe(2)
      expect(stdout + stderr).toContain(
        'is neither a private JWK, JWK Set or PEM (as it is, or in base64), nor the name',
      )
      expect(stdout + stderr).not.toContain(value.slice(10, 60))
    }
  })

  test('a client secret is no option', async () => {
    const { code, stderr } = await run(['token', '--client-secret', SECRET])
    expect(code).toBe(2)
    expect(stderr).toContain("unknown option '--client-secret'")
    expect(stderr).not.toContain(SECRET)
  })
})

describe('no token: what to check, the likeliest first', () => {
  test('the server does not find the key', async () => {
    const { env, folder, jwksUrl } = await startBackend()
    writeFileSync(join(folder, 'jwks.json'), JSON.stringify({ keys: [] }))
    const { code, stdout } = await run(['token', '--jwks-url', jwksUrl], env)
    expect(code).toBe(1)
    expect(stdout).toContain('Answer 401')
    expect(stdout).toContain('"error": "invalid_client"')
    expect(stdout).toMatch(
      new RegExp(`1\\. The server must find the key .*: fhir-auth jwks --check ${jwksUrl}\n  2\\. `),
    )
  })

  test('an unknown client id, and a wrong secret', async () => {
    const { env } = await startBackend({ clients: [{ clientId: 'symmetric', clientSecret: 'another-secret' }] })
    const { json } = await run(['token', '--client-id', 'nobody', '--json'], env)
    expect(json()).toMatchObject({ ok: false, error: { error: 'invalid_client', check: expect.any(Array) } })
    expect(JSON.stringify(json().error)).toContain('the client id nobody is of this environment')
    const { PRIVATE_JWKS: _keys, ...rest } = env
    const wrong = await run(['token'], { ...rest, CLIENT_ID: 'symmetric', CLIENT_SECRET: SECRET })
    expect(wrong.code).toBe(1)
    expect(wrong.stdout).toContain('1. Check the secret')
    expect(wrong.stdout).not.toContain(SECRET)
  })

  test.each([
    ['unauthorized_client', /^The credentials are right/],
    ['invalid_scope', /^Ask only for what is registered: system\/Patient\.rs$/],
    ['unsupported_grant_type', /no client_credentials/],
    ['invalid_request', /^Read the server’s description/],
    ['invalid_grant', /^The server must find the key/],
    ['temporarily_unavailable', /try again later/],
    ['public_key error', /^Read the server’s description/],
  ])('the error %s', async (error, advice) => {
    const { env, sandbox } = await startBackend()
    sandbox.fault({ at: 'token', kind: 'status', status: 400, body: JSON.stringify({ error }) })
    const { code, json } = await run(['token', '--json'], env)
    expect(code).toBe(1)
    expect(json()).toMatchObject({ answer: { status: 400, body: { error } } })
    expect((json().error as { check: string[] }).check[0]).toMatch(advice)
  })

  test('invalid_request for a client with a secret', async () => {
    const { env, sandbox } = await startBackend()
    sandbox.fault({ at: 'token', kind: 'status', status: 400, body: '{"error":"invalid_request"}' })
    const { PRIVATE_JWKS: _keys, ...rest } = env
    const { json } = await run(['token', '--json'], { ...rest, CLIENT_SECRET: SECRET })
    expect((json().error as { check: string[] }).check).toContainEqual(expect.stringContaining('Check the secret'))
  })

  test.each([
    [404, /no token endpoint at this URL/],
    [403, /A gateway may have refused/],
    [500, /fault is the server/],
    [429, /Too many requests/],
  ])('status %i without an OAuth error', async (status, advice) => {
    const { env, sandbox } = await startBackend()
    sandbox.fault({ at: 'token', kind: 'status', status, body: '<h1>Sorry</h1>', headers: { 'retry-after': '30' } })
    const { code, stdout, json } = await run(['token', '--json'], env)
    expect(code).toBe(1)
    expect(json()).toMatchObject({ answer: { body: '<h1>Sorry</h1>' }, error: { retryAfterSeconds: 30 } })
    expect(stdout).toMatch(advice)
  })

  test.each([
    ['html', /no login page answers|token endpoint/],
    ['reset', /cut the connection/],
  ] as const)('the fault %s', async (kind, advice) => {
    const { env, sandbox } = await startBackend()
    sandbox.fault({ at: 'token', kind })
    const { code, stdout } = await run(['token'], env)
    expect(code).toBe(1)
    expect(stdout).toMatch(advice)
  })

  test('a redirect is not followed, and its target is shown', async () => {
    const { env, sandbox } = await startBackend()
    sandbox.fault({ at: 'token', kind: 'redirect', location: 'https://elsewhere.example.com/token' })
    const { code, stdout } = await run(['token'], env)
    expect(code).toBe(1)
    expect(stdout).toMatch(/location +https:\/\/elsewhere\.example\.com\/token/)
  })

  test('a clock that differs comes first', async () => {
    const { env } = await startBackend()
    const host = await serve((request, response) => {
      const discovery = request.url?.endsWith('smart-configuration')
      response.writeHead(discovery ? 200 : 401, { date: new Date(Date.now() - 600_000).toUTCString() })
      response.end(JSON.stringify(discovery ? { token_endpoint: `${host}/token` } : { error: 'invalid_client' }))
    })
    const { json } = await run(['token', '--json'], { ...env, FHIR_BASE_URL: host })
    expect((json().error as { check: string[] }).check[0]).toMatch(/clock is (?:599|600|601) s ahead of the server's/)
  })

  test('discovery fails: nothing is sent to a token endpoint', async () => {
    const { env } = await startBackend()
    const host = await serveDocuments(() => ({}))
    const { code, json } = await run(['token', '--json'], { ...env, FHIR_BASE_URL: host })
    expect(code).toBe(1)
    expect(json()).toMatchObject({ ok: false, error: { code: 'discovery_failed' } })
    expect(json()).not.toHaveProperty('request')
    const given = await run(['token', '--token-endpoint', `${host}/token`, '--json'], { ...env, FHIR_BASE_URL: host })
    expect(given.json()).toMatchObject({ request: { url: `${host}/token` }, answer: { status: 404 } })
  })
})

describe('what a server sends back of what must not show', () => {
  test('tokens in any member, an echo of the assertion, of the secret and of the credentials', async () => {
    const { env } = await startBackend()
    const seen: string[] = []
    for (const status of [200, 400]) {
      const host = await serve((request, response) => {
        let body = ''
        request.on('data', (chunk) => {
          body += chunk
        })
        request.on('end', () => {
          if (request.method === 'GET') {
            response.end(JSON.stringify({ token_endpoint: `${host}/token` }))
            return
          }
          const assertion = new URLSearchParams(body).get('client_assertion') ?? ''
          const echo = `${body} ${assertion} ${assertion.split('.')[2]} ${request.headers.authorization ? `${request.headers.authorization} ${SECRET}` : ''}`
          seen.push(...assertion.split('.').slice(2))
          const jwt = `eyJhbGciOiJub25lIn0.eyJhIjoxfQ.${'s'.repeat(20)}`
          const members = {
            error: status === 400 ? echo : undefined,
            error_description: echo,
            echo,
            nested: [{ id_token: jwt, note: `see eyJhbGciOiJub25lIn0.eyJiIjoyfQ.${'t'.repeat(20)}` }],
          }
          response.writeHead(status, { 'content-type': 'application/json', 'www-authenticate': echo })
          response.end(
            JSON.stringify({
              access_token: 'opaque-token-value',
              again: 'opaque-token-value',
              token_type: 'Bearer',
              ...members,
            }),
          )
        })
      })
      const { PRIVATE_JWKS: _keys, ...symmetric } = env
      for (const variables of [env, { ...symmetric, CLIENT_SECRET: SECRET }]) {
        for (const args of [['token'], ['token', '--json']]) {
          const { stdout, stderr } = await run(args, { ...variables, FHIR_BASE_URL: host })
          const hidden = [
            ...seen.filter((part) => part !== ''),
            'opaque-token-value',
            's'.repeat(20),
            't'.repeat(20),
            SECRET,
            Buffer.from(`job:${SECRET}`).toString('base64'),
          ]
          expect(hidden.filter((value) => (stdout + stderr).includes(value))).toEqual([])
        }
      }
    }
    expect(seen).toHaveLength(4)
  })

  test.each([
    ['a form', 'access_token=opaque-token-value&token_type=bearer'],
    ['JSON that is broken', '{"access_token" : "opaque-token-value", "token_type": "bearer",}'],
    ['a page', '<input name="x"> access_token: opaque-token-value'],
  ])('a token in %s', async (_title, body) => {
    const { env, sandbox } = await startBackend()
    for (const status of [200, 400]) {
      sandbox.fault({ at: 'token', kind: 'status', status, body, times: 2 })
      for (const args of [['token'], ['token', '--json']]) {
        const { code, stdout } = await run(args, env)
        expect(code).toBe(1)
        expect(stdout).not.toContain('opaque-token-value')
        expect(stdout).toContain('[not shown]')
      }
    }
  })

  test('a token in a very long answer', async () => {
    const { env, sandbox } = await startBackend()
    const patch = (members: object) => ({
      ...members,
      access_token: 'opaque-token-value',
      padding: 'x'.repeat(200_000),
    })
    sandbox.fault({ at: 'token', kind: 'json', patch })
    const { code, stdout } = await run(['token', '--json'], env)
    expect(code).toBe(0)
    expect(stdout).not.toContain('opaque-token-value')
  })

  test('not even --reveal shows the client secret', async () => {
    const { env } = await startBackend({ clients: [{ clientId: 'symmetric', clientSecret: SECRET }] })
    const { PRIVATE_JWKS: _keys, ...rest } = env
    const variables = { ...rest, CLIENT_ID: 'symmetric', CLIENT_SECRET: SECRET }
    const { stdout } = await run(['token', '--reveal'], variables)
    expect(stdout).not.toContain(SECRET)
    expect(stdout).not.toContain(Buffer.from(`symmetric:${SECRET}`).toString('base64'))
  })
})
