import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FhirAuthEvent } from '../../src/events.ts'
import { FhirContext } from '../../src/fhir/fhir-context.ts'
import type { TokenSource } from '../../src/fhir/fhir-fetch.ts'
import { ScopeSet } from '../../src/fhir/scope-set.ts'
import { createFhirProxy } from '../../src/index.ts'
import type { StreamedRequest } from '../../src/web/adapter-contract.ts'

/** Refuses the token `old`, takes uploads, answers `/r4/Patient/p1` and `/r4/Bundle/b1`, and never answers `/r4/Patient/silent`. */
const server = createServer(async (request, response) => {
  let size = 0
  for await (const part of request) size += part.length
  if (request.url === '/r4/Patient/silent') return
  if (request.headers.authorization === 'Bearer old') return void response.writeHead(401).end()
  const bundle = { resourceType: 'Bundle', type: 'document', entry: [{ fullUrl: `${base()}/Patient/p1` }] }
  const body = request.url === '/r4/Bundle/b1' ? JSON.stringify(bundle) : String(size)
  response.setHeader('content-type', 'application/fhir+json').end(body)
})
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

function base(): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/r4`
}

const sent: (RequestInit | undefined)[] = []

function context(tokens: TokenSource = { current: () => 'token', replace: async () => undefined }): FhirContext {
  const grant = {
    ...{ fhirBaseUrl: base(), accessToken: 'token', scope: ScopeSet.parse(''), expiresAt: Date.now() + 3_600_000 },
    ...{ patient: undefined, encounter: undefined, idToken: undefined, fhirUser: undefined },
    ...{ launch: {}, launchId: 'launch' },
  }
  const send: typeof fetch = (url, init) => {
    sent.push(init)
    return fetch(url, init)
  }
  return new FhirContext(grant, { tokens, send })
}

function asked(url: string, more: Partial<StreamedRequest> = {}): StreamedRequest {
  const header = (name: string) => (name === 'sec-fetch-site' ? 'same-origin' : undefined)
  return { method: 'GET', url, header, body: undefined, signal: new AbortController().signal, ...more }
}

async function* upload(parts: number, pauseMilliseconds = 0): AsyncGenerator<Uint8Array> {
  for (let part = 0; part < parts; part++) {
    if (part === parts - 1) await sleep(pauseMilliseconds)
    yield new Uint8Array(64 * 1024)
  }
}

async function textOf(body: unknown): Promise<string> {
  if (body instanceof Uint8Array) return new TextDecoder().decode(body)
  let text = ''
  for await (const part of body as AsyncIterable<Uint8Array>) text += new TextDecoder().decode(part)
  return text
}

describe('an exchange of the proxy', () => {
  it('lets fetch keep no copy of a large upload (Fetch, HTTP-network-or-cache fetch)', async () => {
    const proxy = createFhirProxy({ allow: ['POST Binary'] })
    const answer = await proxy.answer(asked('/fhir/Binary', { method: 'POST', body: upload(16) }), context())
    expect(await textOf(answer.body)).toBe(String(1024 * 1024))
    expect(sent.at(-1)).toMatchObject({ redirect: 'error', window: null, duplex: 'half' })
  })

  it('takes the time that a slow page needs for its upload', async () => {
    const proxy = createFhirProxy({ allow: ['POST Binary'], timeoutSeconds: 1 })
    const answer = await proxy.answer(asked('/fhir/Binary', { method: 'POST', body: upload(6, 1300) }), context())
    expect(await textOf(answer.body)).toBe(String(6 * 64 * 1024))
  })

  it('takes the time that a new token needs: its own limit stands still meanwhile', async () => {
    const replace = async () => {
      await sleep(700)
      return 'new'
    }
    const proxy = createFhirProxy({ allow: ['GET Patient'], timeoutSeconds: 0.4 })
    const answer = await proxy.answer(asked('/fhir/Patient/p1'), context({ current: () => 'old', replace }))
    expect(answer.status).toBe(200)
  })

  it('that a page has left is told as 499, and as no error', async () => {
    const events: FhirAuthEvent[] = []
    const proxy = createFhirProxy({ allow: ['GET Patient'], onEvent: (event) => void events.push(event) })
    const leave = new AbortController()
    const answering = proxy.answer(asked('/fhir/Patient/silent', { signal: leave.signal }), context())
    setTimeout(() => leave.abort(), 50)
    expect(await answering).toMatchObject({ kind: 'empty', status: 499 })
    expect(events).toMatchObject([{ type: 'proxied', status: 499, error: undefined }])
  })

  it('leaves the URLs of a stored Bundle alone, for it may be signed', async () => {
    const answer = await createFhirProxy({ allow: ['GET Bundle'] }).answer(asked('/fhir/Bundle/b1'), context())
    expect(await textOf(answer.body)).toContain(`"fullUrl":"${base()}/Patient/p1"`)
  })

  it('sends a small answer in one part, with its length', async () => {
    const answer = await createFhirProxy({ allow: ['GET Patient'] }).answer(asked('/fhir/Patient/p1'), context())
    expect(answer.body).toBeInstanceOf(Uint8Array)
    expect(answer.headers['content-length']).toBe('1')
  })
})
