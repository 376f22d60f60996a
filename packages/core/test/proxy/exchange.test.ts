import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline, Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FhirAuthEvent } from '../../src/events.ts'
import { FhirContext } from '../../src/fhir/fhir-context.ts'
import type { TokenSource } from '../../src/fhir/fhir-fetch.ts'
import { ScopeSet } from '../../src/fhir/scope-set.ts'
import { createFhirProxy } from '../../src/index.ts'
import type { StreamedRequest } from '../../src/web/adapter-contract.ts'

/** More than the buffers of two connections hold. */
const LARGE_PARTS = 512
let partsPoured = 0

/**
 * Refuses the token `old`, takes uploads, pours 32 MiB for `/r4/Binary/large`, answers `/r4/Patient/p1` and `/r4/Bundle/b1`, and
 * never answers `/r4/Patient/silent`.
 */
const server = createServer(async (request, response) => {
  let size = 0
  for await (const part of request) size += part.length
  if (request.url === '/r4/Patient/silent') return
  if (request.url === '/r4/Binary/large') return void pipeline(Readable.from(pour()), response, () => {})
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

async function* pour(): AsyncGenerator<Uint8Array> {
  for (partsPoured = 0; partsPoured < LARGE_PARTS; partsPoured++) yield new Uint8Array(64 * 1024)
}

const sent: (RequestInit | undefined)[] = []
const ownFetch: typeof fetch = (url, init) => {
  sent.push(init)
  return fetch(url, init)
}

const DISPATCHER = Symbol.for('undici.globalDispatcher.1')
const TOKENS: TokenSource = { current: () => 'token', replace: async () => undefined }

function contextWith(send: typeof fetch, tokens = TOKENS): FhirContext {
  const grant = {
    ...{ fhirBaseUrl: base(), accessToken: 'token', scope: ScopeSet.parse(''), expiresAt: Date.now() + 3_600_000 },
    ...{ patient: undefined, encounter: undefined, idToken: undefined, fhirUser: undefined },
    ...{ launch: {}, launchId: 'launch' },
  }
  return new FhirContext(grant, { tokens, send })
}

function asked(url: string, more: Partial<StreamedRequest> = {}): StreamedRequest {
  const header = (name: string) => (name === 'sec-fetch-site' ? 'same-origin' : undefined)
  return { method: 'GET', url, header, body: undefined, hasLeft: false, onLeave: () => {}, ...more }
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

describe('how a request is sent', () => {
  const dispatched: string[] = []
  const watch = (message: unknown) => void dispatched.push((message as { request: { path: string } }).request.path)
  beforeAll(() => subscribe('undici:request:create', watch))
  afterAll(() => void unsubscribe('undici:request:create', watch))

  it('with the fetch of the app, which keeps no copy of a large upload (Fetch, HTTP-network-or-cache fetch)', async () => {
    const proxy = createFhirProxy({ allow: ['POST Binary'] })
    const request = asked('/fhir/Binary', { method: 'POST', body: upload(16) })
    const answer = await proxy.answer(request, contextWith(ownFetch))
    expect(await textOf(answer.body)).toBe(String(1024 * 1024))
    expect(sent.at(-1)).toMatchObject({ redirect: 'error', window: null, duplex: 'half' })
  })

  it("without one, with the dispatcher of Node's fetch: the one that the app has set, if it has", async () => {
    await fetch(base())
    const ofNode = Reflect.get(globalThis, DISPATCHER)
    const paths: string[] = []
    const ofApp = {
      dispatch(options: { path: string }, handler: object): boolean {
        paths.push(options.path)
        return ofNode.dispatch(options, handler)
      },
    }
    Reflect.set(globalThis, DISPATCHER, ofApp)
    try {
      const answer = await createFhirProxy({ allow: ['GET Patient'] }).answer(
        asked('/fhir/Patient/p1'),
        contextWith(fetch),
      )
      expect([answer.status, paths]).toEqual([200, ['/r4/Patient/p1']])
    } finally {
      Reflect.set(globalThis, DISPATCHER, ofNode)
    }
    expect(dispatched).toContain('/r4/Patient/p1')
  })
})

describe.each([
  ['the fetch of the app', ownFetch],
  ["the dispatcher of Node's fetch", fetch],
])('an exchange of the proxy by %s', (_, send) => {
  const context = (tokens = TOKENS) => contextWith(send, tokens)

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
    let hasLeft = false
    const request = {
      ...asked('/fhir/Patient/silent'),
      get hasLeft() {
        return hasLeft
      },
      onLeave(listener: () => void) {
        setTimeout(() => {
          hasLeft = true
          listener()
        }, 50)
      },
    }
    const answering = proxy.answer(request, context())
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

  it('reads no more from the server than the page takes', async () => {
    const answer = await createFhirProxy({ allow: ['GET Binary'] }).answer(asked('/fhir/Binary/large'), context())
    const parts = (answer.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
    let size = (await parts.next()).value?.byteLength ?? 0
    await sleep(300)
    expect(partsPoured).toBeLessThan(LARGE_PARTS / 2)
    for (let part = await parts.next(); !part.done; part = await parts.next()) size += part.value.byteLength
    expect(size).toBe(LARGE_PARTS * 64 * 1024)
  })

  it('ends a request that has no answer yet when its time is over, and says so', async () => {
    const proxy = createFhirProxy({ allow: ['GET Patient'], timeoutSeconds: 0.2 })
    expect(await proxy.answer(asked('/fhir/Patient/silent'), context())).toMatchObject({ kind: 'problem', status: 504 })
  })
})
