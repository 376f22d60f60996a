import type { ServerResponse } from 'node:http'
import { inspect } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { FhirContext } from '../../src/fhir/fhir-context.ts'
import type { TokenSource } from '../../src/fhir/fhir-fetch.ts'
import { FhirAuthError, FhirRequestError, ScopeSet } from '../../src/index.ts'
import { failureOf } from '../support/failure-of.ts'
import { type SeenRequest, startServer } from '../support/http-server.ts'

const TOKEN = 'token-of-the-context'

type Answerer = (request: SeenRequest, response: ServerResponse) => void

async function contextAt(
  answer: Answerer,
  parts: { tokens?: Partial<TokenSource>; launchId?: string | undefined } = {},
) {
  const server = await startServer(answer)
  const { launchId } = { launchId: 'launch-1', ...parts }
  const fhir = new FhirContext(
    {
      ...{ fhirBaseUrl: `${server.origin}/fhir`, accessToken: TOKEN, expiresAt: 1_800_000_000_000, launchId },
      ...{ patient: '1', encounter: undefined, fhirUser: undefined, idToken: undefined, launch: {} },
      scope: ScopeSet.parse('patient/*.rs'),
    },
    { tokens: { current: () => TOKEN, replace: async () => undefined, ...parts.tokens }, send: globalThis.fetch },
  )
  return { fhir, server }
}

const answering =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answerer =>
  (_request, response) =>
    void response
      .writeHead(status, { 'content-type': 'application/fhir+json', ...headers })
      .end(typeof body === 'string' ? body : JSON.stringify(body))

const outcome = (issue: object) => ({ resourceType: 'OperationOutcome', issue: [issue] })

describe('fhir.json: what it gives', () => {
  it('RSP-11 the resource, read with the token as FHIR JSON', async () => {
    const { fhir, server } = await contextAt(answering(200, { resourceType: 'Patient', id: '1' }))
    expect(await fhir.json<{ id: string }>('Patient/1')).toEqual({ resourceType: 'Patient', id: '1' })
    expect(server.requests).toMatchObject([
      { url: '/fhir/Patient/1', headers: { authorization: `Bearer ${TOKEN}`, accept: 'application/fhir+json' } },
    ])
  })

  it('text that it writes is FHIR JSON, unless the caller says otherwise', async () => {
    const { fhir, server } = await contextAt(answering(201, { resourceType: 'Observation', id: '2' }))
    await fhir.json('Observation', { method: 'POST', body: '{}' })
    const patch = { 'content-type': 'application/json-patch+json' }
    await fhir.json('Observation/2', { method: 'PATCH', body: '[]', headers: patch })
    expect(server.requests.map(({ headers }) => headers['content-type'])).toEqual([
      'application/fhir+json',
      'application/json-patch+json',
    ])
  })

  it.each([
    [201, 'POST'],
    [200, 'PUT'],
    [204, 'DELETE'],
  ])('a write that succeeds without a body is no failure: %i after %s', async (status, method) => {
    const { fhir } = await contextAt((_request, response) => void response.writeHead(status).end())
    expect(await fhir.json('Observation/1', { method })).toBeUndefined()
  })

  it.each([
    ['HTML', '<html>Sign in</html>', 'text/html'],
    ['nothing', '', 'application/fhir+json'],
    ['a list', '[]', 'application/fhir+json'],
    ['half a resource', '{"resourceType":"Patient",', 'application/fhir+json'],
  ])('a read that brings %s is invalid_response', async (_name, body, type) => {
    const { fhir } = await contextAt(answering(200, body, { 'content-type': type }))
    await expect(fhir.json('Patient/1')).rejects.toMatchObject({ code: 'invalid_response', status: 502 })
  })

  it('the context stays frozen, and json works without it', async () => {
    const { fhir } = await contextAt(answering(200, { resourceType: 'Patient' }))
    const { json } = fhir
    expect(Object.isFrozen(fhir)).toBe(true)
    expect(await json('Patient/1')).toEqual({ resourceType: 'Patient' })
  })
})

describe('fhir.json: a failed answer throws', () => {
  it('with the status, the outcome, and a message that names both', async () => {
    const notFound = outcome({
      severity: 'error',
      code: 'not-found',
      diagnostics: 'Resource Patient/abc-77 is not known',
    })
    const { fhir } = await contextAt(answering(404, notFound))
    const error = await failureOf(() => fhir.json('Patient/abc-77'))
    expect(error).toBeInstanceOf(FhirRequestError)
    expect(error).toBeInstanceOf(FhirAuthError)
    expect(error).toMatchObject({
      code: 'fhir_request_failed',
      status: 404,
      serverStatus: 404,
      operationOutcome: notFound,
    })
    expect(error.message).toBe(
      'The FHIR server answered 404 to GET Patient (not-found: Resource Patient/… is not known). Its whole answer is in operationOutcome.',
    )
  })

  it.each([
    [401, /has to log in again/],
    [403, /compare the granted scopes/],
    [429, /Ask less often/],
  ])('the operator reads what to do about %d', async (status, step) => {
    const { fhir } = await contextAt(answering(status, {}))
    expect((await failureOf(() => fhir.json('Patient/abc-77'))).message).toMatch(step)
  })

  // RFC 9110 §15.6.3: whoever stands between answers 502 for the failure of the server behind.
  it.each([
    [400, 400],
    [403, 403],
    [404, 404],
    [409, 409],
    [410, 410],
    [412, 412],
    [422, 422],
    [429, 429],
    [500, 502],
    [501, 502],
    [502, 502],
    [503, 503],
    [504, 504],
    [304, 502],
  ])('a %i is answered with %i', async (serverStatus, status) => {
    const { fhir } = await contextAt((_request, response) => void response.writeHead(serverStatus).end())
    await expect(fhir.json('Patient/1')).rejects.toMatchObject({ code: 'fhir_request_failed', status, serverStatus })
  })

  it('ERR-05 a token that the server refuses for good: 401 for a person, who can log in; 502 for a system, whose caller cannot', async () => {
    const refused = answering(401, {})
    const person = await contextAt(refused)
    await expect(person.fhir.json('Patient/1')).rejects.toMatchObject({ code: 'fhir_request_failed', status: 401 })
    const system = await contextAt(refused, { launchId: undefined })
    await expect(system.fhir.json('Patient/1')).rejects.toMatchObject({ status: 502, serverStatus: 401 })
  })

  it('a session that has ended is its own error', async () => {
    const ended = new FhirAuthError('session_ended', 'The session has ended.')
    const { fhir } = await contextAt(answering(200, {}), { tokens: { current: () => Promise.reject(ended) } })
    expect(await failureOf(() => fhir.json('Patient/1'))).toBe(ended)
  })

  it('a URL of another server is refused before anything is sent', async () => {
    const { fhir, server } = await contextAt(answering(200, {}))
    await expect(fhir.json('https://evil.example/x')).rejects.toMatchObject({ code: 'url_outside_fhir_base' })
    expect(server.requests).toEqual([])
  })

  it('Retry-After becomes retryAfterSeconds, at most an hour (RFC 9110 §10.2.3)', async () => {
    const { fhir } = await contextAt(answering(429, {}, { 'retry-after': '120' }))
    await expect(fhir.json('Patient')).rejects.toMatchObject({ status: 429, retryAfterSeconds: 120 })
    const { fhir: other } = await contextAt(answering(503, {}, { 'retry-after': '999999999' }))
    await expect(other.json('Patient')).rejects.toMatchObject({ status: 503, retryAfterSeconds: 3600 })
  })

  it.each([
    ['another resource', { resourceType: 'Patient' }],
    ['HTML', '<h1>Bad gateway</h1>'],
    ['an outcome without issues', { resourceType: 'OperationOutcome' }],
    ['an outcome of the wrong form', { resourceType: 'OperationOutcome', issue: 'none' }],
    ['more than an outcome needs', `{"resourceType":"OperationOutcome","a":"${'x'.repeat(300_000)}"}`],
  ])('an answer that is no usable OperationOutcome is told by its status alone: %s', async (_name, body) => {
    const { fhir } = await contextAt(answering(400, body))
    const error = await failureOf(() => fhir.json('Patient/1'))
    expect(error).toMatchObject({ code: 'fhir_request_failed', operationOutcome: undefined })
    expect(error.message).toBe('The FHIR server answered 400 to GET Patient.')
  })

  it('ERR-06 neither message nor log nor JSON shows what the server wrote about the patient', async () => {
    const text = 'Patient/abc-77 (Max Mustermann, born 1980-02-03, max@example.com) has no "Blood type"'
    const issue = { severity: 'error', code: 'processing', details: { text }, diagnostics: text }
    const { fhir } = await contextAt(answering(422, outcome(issue)))
    const error = (await failureOf(() => fhir.json('Observation?patient=abc-77&code=xyz'))) as FhirRequestError
    const seen = [
      error.message,
      error.stack,
      inspect(error, { depth: 9 }),
      JSON.stringify(error),
      JSON.stringify(error.toProblem()),
    ]
    for (const word of ['abc-77', 'Mustermann', 'Max', '1980', 'example.com', 'Blood', 'xyz', TOKEN]) {
      expect(seen.join('\n')).not.toContain(word)
    }
    for (const key in error) expect(key).not.toBe('operationOutcome')
    expect(error.operationOutcome?.issue?.[0]?.diagnostics).toBe(text)
  })
})

describe('fhir.json: bounds', () => {
  it('a server that does not answer in time is a timeout, in the body too', async () => {
    const { fhir } = await contextAt((request, response) => {
      if (request.url.endsWith('/body')) response.writeHead(200).write('{"resource')
    })
    for (const url of ['Patient/headers', 'Patient/body']) {
      await expect(fhir.json(url, { timeoutSeconds: 0.05 })).rejects.toMatchObject({ code: 'timeout', status: 504 })
    }
  })

  it('an answer beyond maxBytes is response_too_large, and its message names both ways out', async () => {
    const { fhir } = await contextAt(answering(200, { text: 'x'.repeat(2000) }))
    const error = await failureOf(() => fhir.json('Patient/1', { maxBytes: 1000 }))
    expect(error).toMatchObject({ code: 'response_too_large', status: 502 })
    expect(error.message).toMatch(/1000 bytes.*maxBytes.*fhir\.fetch/)
  })

  it('a connection that breaks is network_error, without a word of what was sent', async () => {
    const { fhir } = await contextAt((_request, response) => void response.destroy())
    const error = await failureOf(() => fhir.json('Patient/abc-77'))
    expect(error).toMatchObject({ code: 'network_error', status: 502 })
    expect(inspect(error, { depth: 9 })).not.toMatch(/abc-77|token-of/)
  })

  it('the caller’s own signal ends it, with the caller’s own reason', async () => {
    const { fhir } = await contextAt(() => {})
    const controller = new AbortController()
    const reading = fhir.json('Patient/1', { signal: controller.signal })
    controller.abort(new Error('The page was left.'))
    await expect(reading).rejects.toThrow('The page was left.')
  })

  it.each([
    ['timeoutSeconds', 0],
    ['timeoutSeconds', '5'],
    ['maxBytes', -1],
  ])('%s: %j is refused before anything is sent', async (option, value) => {
    const { fhir, server } = await contextAt(answering(200, {}))
    await expect(fhir.json('Patient/1', { [option]: value })).rejects.toMatchObject({ code: 'invalid_option' })
    expect(server.requests).toEqual([])
  })

  it('ERR-05 the one replay after a 401 is within the same limits', async () => {
    const replace = vi.fn(async () => 'newer')
    const { fhir } = await contextAt(
      (request, response) => {
        const isNew = request.headers.authorization === 'Bearer newer'
        response.writeHead(isNew ? 200 : 401).end('{"resourceType":"Patient"}')
      },
      { tokens: { replace } },
    )
    expect(await fhir.json('Patient/1')).toEqual({ resourceType: 'Patient' })
    expect(replace).toHaveBeenCalledTimes(1)
  })
})
