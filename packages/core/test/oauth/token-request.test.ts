import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { clientSecretBasic, clientSecretPost } from '../../src/index.ts'
import { clientCredentialsGrant } from '../../src/oauth/grants.ts'
import { postAuthenticated } from '../../src/oauth/token-request.ts'
import { failureOf } from '../support/failure-of.ts'
import { startServer } from '../support/http-server.ts'
import { registeredClient, startSandbox } from '../support/registered-client.ts'
import { sendJson, startTokenServer, writeEndlessly } from '../support/token-server.ts'

const NOW = Date.UTC(2026, 0, 1)
const SECRET = 'the-client-secret'
const client = registeredClient({ clientAuth: clientSecretBasic(SECRET) })

const ask = (tokenEndpoint: string, timeoutSeconds = 10) =>
  clientCredentialsGrant('system/Patient.rs', {
    client,
    server: { tokenEndpoint, issuer: undefined },
    channel: { http: { timeoutSeconds }, now: () => NOW },
  })

/** The failure of a request to a token endpoint that answers like this. */
async function failureFor(answer: (response: ServerResponse) => unknown, timeoutSeconds?: number) {
  const server = await startTokenServer((_request, response) => {
    // NOW is another time than the server's: clocks have tests of their own.
    response.sendDate = false
    return answer(response)
  })
  const failure = await failureOf(() => ask(server.tokenEndpoint, timeoutSeconds))
  expect(server.tokenRequests).toHaveLength(1)
  return failure
}

describe('what is sent', () => {
  it('TOK-01 TOK-08 a POST of a form, everything in the body, nothing in the query', async () => {
    const server = await startTokenServer()
    await ask(server.tokenEndpoint)
    const [request] = server.requests
    expect(request).toMatchObject({ method: 'POST', url: '/token' })
    expect(request?.headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect(request?.headers.accept).toBe('application/json')
    expect([...(request?.form.keys() ?? [])].sort()).toEqual(['grant_type', 'scope'])
  })

  it('TOK-01 a query that belongs to the endpoint stays there', async () => {
    const server = await startTokenServer()
    await ask(`${server.tokenEndpoint}?tenant=7`)
    expect(server.requests[0]?.url).toBe('/token?tenant=7')
  })

  it.each(['http://as.example.com/token', 'as.example.com/token'])(
    'TOK-01 nothing goes to %s, which is not https',
    async (url) => {
      expect((await failureOf(() => ask(url))).code).toBe('insecure_url')
    },
  )

  it('TOK-04 one way of authentication: a header or a body parameter, never both', async () => {
    const server = await startTokenServer()
    const target = { tokenEndpoint: server.tokenEndpoint, issuer: undefined }
    const channel = { http: {}, now: () => NOW }
    await ask(server.tokenEndpoint)
    const post = registeredClient({ clientAuth: clientSecretPost(SECRET) })
    await clientCredentialsGrant('system/Patient.rs', { client: post, server: target, channel })
    const [header, body] = server.requests
    expect(header?.headers.authorization).toBeDefined()
    expect(header?.form.has('client_secret')).toBe(false)
    expect(body?.headers.authorization).toBeUndefined()
    expect(body?.form.getAll('client_secret')).toEqual([SECRET])
  })

  it('TOK-04 other endpoints take the same authentication', async () => {
    const server = await startServer((_request, response) => void response.end())
    const target = { tokenEndpoint: 'https://as.example.com/token', issuer: undefined }
    const parameters = new URLSearchParams({ token: 'the-token' })
    const channel = { http: {}, now: () => NOW }
    const url = `${server.origin}/revoke`
    await postAuthenticated({ client, server: target, url, parameters, grantType: 'refresh_token', channel })
    expect(server.requests[0]).toMatchObject({ url: '/revoke', body: 'token=the-token' })
    expect(server.requests[0]?.headers.authorization).toMatch(/^Basic /)
  })
})

describe('a token endpoint that misbehaves', () => {
  it('TOK-09 BSV-12 each fault of the sandbox is a different kind of error, and never a hang', async () => {
    const sandbox = await startSandbox({ clients: [{ clientId: 'app', clientSecret: SECRET }] })
    const cases = [
      [{ kind: 'slow', seconds: 30 }, 'timeout'],
      [{ kind: 'reset' }, 'network_error'],
      [{ kind: 'status', status: 429, headers: { 'retry-after': '7' } }, 'token_request_refused'],
      [{ kind: 'status', status: 500, body: 'oops' }, 'token_request_refused'],
      [{ kind: 'html' }, 'invalid_response'],
      [{ kind: 'status', status: 200, body: '' }, 'invalid_response'],
      [{ kind: 'endless' }, 'response_too_large'],
      [{ kind: 'json', patch: () => [] }, 'invalid_response'],
      [{ kind: 'json', patch: () => ({}) }, 'invalid_token_response'],
    ] as const
    for (const [fault, code] of cases) {
      sandbox.clearRequests()
      // A reset is tried once more.
      const times = fault.kind === 'reset' ? 2 : 1
      sandbox.fault({ at: 'token', times, ...fault })
      const failure = await failureOf(() => ask(`${sandbox.issuer}/token`, fault.kind === 'slow' ? 1 : 10))
      expect([fault, failure.code]).toEqual([fault, code])
      expect(failure.message).not.toContain(SECRET)
      expect(sandbox.requestsTo('/token')).toHaveLength(times)
    }
  })

  it.each([301, 302, 303, 307, 308])(
    'TOK-08 a redirect (%i) is an error, and the second host gets nothing',
    async (status) => {
      const second = await startTokenServer()
      const failure = await failureFor((response) =>
        response.writeHead(status, { location: second.tokenEndpoint }).end(),
      )
      expect(failure.code).toBe('unexpected_redirect')
      expect(failure.message).toContain('Configure the final URL')
      expect(second.requests).toEqual([])
    },
  )

  it('TOK-09 an endless body is cut off, the connection closed', async () => {
    let closed = false
    const failure = await failureFor((response) => {
      response.on('close', () => {
        closed = true
      })
      writeEndlessly(response)
    })
    expect(failure.code).toBe('response_too_large')
    await expect.poll(() => closed, { timeout: 10_000 }).toBe(true)
  })

  it.each([
    ['before the headers', () => {}],
    ['within the body', (response: ServerResponse) => response.writeHead(200).write('{"access_token": "')],
  ])('TOK-09 an answer that stops %s ends at the time limit', async (_name, answer) => {
    const failure = await failureFor(answer, 1)
    expect(failure.code).toBe('timeout')
    expect(failure.status).toBe(504)
  })

  it('TOK-09 a connection cut within the body is a network error', async () => {
    const failure = await failureFor((response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{')
      setImmediate(() => response.destroy())
    })
    expect(failure.code).toBe('network_error')
  })

  it('TOK-09 a server that is not there is a network error that says why', async () => {
    const server = await startTokenServer()
    await server.close()
    const failure = await failureOf(() => ask(server.tokenEndpoint))
    expect(failure.code).toBe('network_error')
    expect(failure.message).toContain('ECONNREFUSED')
  })

  it.each([
    ['a web page with 502', 502, '<html>Bad Gateway</html>'],
    ['nothing with 401', 401, ''],
    ['JSON without error', 400, '{"count":1}'],
    ['an error that is no text', 400, '{"error":{"toString":null}}'],
  ])('BSV-12 %s is a refusal without an OAuth error', async (_name, status, body) => {
    const failure = await failureFor((response) => response.writeHead(status).end(body))
    expect(failure.code).toBe('token_request_refused')
    expect(failure.error).toBeUndefined()
    expect(failure.message).toContain(`answered ${status} without an OAuth error`)
  })

  it.each([200, 201])('BSV-12 RFC 6749 §5.2: an OAuth error with %i and no token is a refusal', async (status) => {
    const body = { error: 'unauthorized_client', error_description: 'No such grant', access_token: null }
    const failure = await failureFor((response) => sendJson(response, body, status))
    expect(failure).toMatchObject({
      code: 'token_request_refused',
      error: 'unauthorized_client',
      error_description: 'No such grant',
      message: expect.stringContaining(`answered ${status}: unauthorized_client (No such grant). The credentials are`),
    })
  })

  it.each([{ error: 'invalid_client', access_token: 'a b' }, { error: 7 }, {}])(
    'BSV-12 an answer of 200 with %j is no refusal, but no token either',
    async (body) => {
      expect((await failureFor((response) => sendJson(response, body))).code).toBe('invalid_token_response')
    },
  )

  it('TOK-04 a refusal with 200 never repeats a secret', async () => {
    const failure = await failureFor((response) => sendJson(response, { error: 'no', error_description: SECRET }))
    expect(failure.message).toContain('[secret]')
    expect(JSON.stringify(failure.toProblem())).not.toContain(SECRET)
  })
})

describe('a refusal', () => {
  it.each([400, 401, 403, 500])('BSV-12 is known by its error, whatever the status: %i', async (status) => {
    const body = { error: 'invalid_client', error_description: 'No such key', error_uri: 'https://as.example.com/help' }
    const failure = await failureFor((response) => sendJson(response, body, status))
    expect(failure).toMatchObject({ code: 'token_request_refused', status: 502, ...body })
    expect(failure.message).toContain('invalid_client (No such key)')
  })

  it('BSV-12 members that are null count as absent', async () => {
    const body = { error: 'invalid_client', error_description: null, error_uri: null }
    const failure = await failureFor((response) => sendJson(response, body, 400))
    expect(failure).toMatchObject({ error: 'invalid_client', error_description: undefined, error_uri: undefined })
  })

  it.each([
    ['unauthorized_client', /not enabled for the client/],
    ['invalid_scope', /registered for this client/],
    ['unsupported_grant_type', /grant_types_supported/],
  ])('BSV-12 says what to do about %s', async (error, advice) => {
    expect((await failureFor((response) => sendJson(response, { error }, 400))).message).toMatch(advice)
  })

  it.each(['constructor', 'toString', '__proto__'])('BSV-12 has no advice for an error named %s', async (error) => {
    const { message } = await failureFor((response) => sendJson(response, { error }, 400))
    expect(message).toMatch(new RegExp(`answered 400: ${error}\\.$`))
  })

  it('BSV-11 keeps Retry-After, in seconds or as a date', async () => {
    const date = new Date(NOW + 45_000).toUTCString()
    for (const [value, seconds] of [
      ['30', 30],
      [date, 45],
    ] as const) {
      const failure = await failureFor((response) => response.writeHead(503, { 'retry-after': value }).end())
      expect(failure.retryAfterSeconds).toBe(seconds)
    }
  })

  it('TOK-04 never repeats a secret, however the server quotes it', async () => {
    const credentials = Buffer.from(`app:${SECRET}`).toString('base64')
    const description = `bad secret ${SECRET} in Basic ${credentials}\r\nSet-Cookie: x`
    const body = {
      error: `invalid_client ${SECRET}`,
      error_description: description,
      error_uri: `https://x/?${SECRET}`,
    }
    const failure = await failureFor((response) => sendJson(response, body, 400))
    const shown = JSON.stringify([failure.message, failure.toProblem(), failure.error_uri])
    expect(shown).not.toContain(SECRET)
    expect(shown).not.toContain(credentials)
    expect(failure.message).not.toMatch(/[\r\n]/)
    expect(failure.error_description).toContain('[secret]')
  })

  it('BSV-12 an error_uri that is not a web address is dropped', async () => {
    const body = { error: 'invalid_grant', error_uri: 'javascript:alert(1)' }
    expect((await failureFor((response) => sendJson(response, body, 400))).error_uri).toBeUndefined()
  })
})

describe("the server's clock", () => {
  const refuseAt = (differenceSeconds: number) =>
    failureFor((response) => {
      const date = new Date(NOW + differenceSeconds * 1000).toUTCString()
      sendJson(response, { error: 'invalid_client' }, 401, { date })
    })

  it.each([
    [61, 'is 61 s ahead of'],
    [-7200, 'is 7200 s behind'],
  ])(
    'RFC 9110 §6.6.1: a difference of %i s is told with the refusal, before anything else is blamed',
    async (by, text) => {
      const { message } = await refuseAt(by)
      expect(message).toContain(
        `answered 401: invalid_client. The server's clock ${text} this machine's. Correct the wrong clock`,
      )
    },
  )

  it.each([0, 60, -60])('a difference of %i s is not told', async (by) => {
    expect((await refuseAt(by)).message).not.toContain('clock')
  })

  it('is also told for a refusal without an OAuth error, and an invalid Date is ignored', async () => {
    const refuseWith = (date: string) => failureFor((response) => response.writeHead(401, { date }).end())
    expect((await refuseWith(new Date(NOW + 300_000).toUTCString())).message).toContain('is 300 s ahead of')
    expect((await refuseWith('soon')).message).not.toContain('clock')
  })
})
