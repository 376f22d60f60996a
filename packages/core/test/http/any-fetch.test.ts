import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { FhirContext } from '../../src/fhir/fhir-context.ts'
import { sendBounded } from '../../src/http/send-bounded.ts'
import { ScopeSet } from '../../src/index.ts'
import { failureOf } from '../support/failure-of.ts'

const request = { method: 'GET', url: 'https://as.example/doc', headers: {}, maxBytes: 100 } as const
const headers = new Headers({ 'content-type': 'application/json' })
const send = (response: unknown) => sendBounded(request, { fetch: (async () => response) as typeof fetch })
const utf8 = Buffer.from('{"name":"Zoë"}')

const STREAMS: [string, () => unknown][] = [
  ['a stream of Node, as node-fetch has it', () => Readable.from([utf8.subarray(0, 12), utf8.subarray(12)])],
  ['a stream of Node that gives texts', () => Readable.from(['{"name":', '"Zoë"}'])],
  ['a web stream', () => new Response(utf8).body],
]

describe('a fetch of the app’s own gives', () => {
  it.each(STREAMS)('%s: its body is read', async (_name, body) => {
    expect(await send({ status: 200, headers, body: body() })).toMatchObject({ status: 200, body: '{"name":"Zoë"}' })
  })

  it.each(STREAMS)('%s: a body that is too long is not read to its end', async (_name) => {
    let chunks = 0
    const endless = (async function* () {
      for (;;) {
        chunks++
        yield Buffer.alloc(64)
      }
    })()
    const body = Readable.from(endless)
    const failure = await failureOf(() => send({ status: 200, headers, body }))
    expect(failure.code).toBe('response_too_large')
    expect(body.destroyed).toBe(true)
    expect(chunks).toBeLessThan(40)
  })

  it('no body but a text: it is read, and bounded', async () => {
    expect(await send({ status: 200, headers, text: async () => '{}' })).toMatchObject({ body: '{}' })
    const failure = await failureOf(() => send({ status: 200, headers, text: async () => 'x'.repeat(101) }))
    expect(failure.code).toBe('response_too_large')
    expect(await send({ status: 204, headers, body: null })).toMatchObject({ body: '' })
  })

  it('a redirect with a stream of Node: it is refused, and the stream let go of', async () => {
    const body = Readable.from(['moved'])
    expect(await failureOf(() => send({ status: 302, headers, body }))).toMatchObject({ code: 'unexpected_redirect' })
    expect(body.destroyed).toBe(true)
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['data, as axios gives it', { status: 200, data: {}, headers: {} }],
    ['headers that are a plain object', { status: 200, headers: { 'content-type': 'a' }, body: null }],
  ])('%s: the message names the option and says what to return', async (_name, answer) => {
    const failure = await failureOf(() => send(answer))
    expect(failure).toMatchObject({ code: 'invalid_option', status: 500 })
    expect(failure.message).toMatch(/^The fetch option did not give a Response.*Return what fetch of your runtime/)
  })

  it('a body that is no stream: the message names it', async () => {
    const failure = await failureOf(() => send({ status: 200, headers, body: { pipe: 'dream' } }))
    expect(failure.message).toMatch(/^The fetch option gives a Response whose body is no stream/)
  })

  it('an abort by another name than TimeoutError: it is a timeout', async () => {
    const fetch = (_url: unknown, { signal }: RequestInit) =>
      new Promise<Response>((_resolve, reject) => {
        const error = Object.assign(new Error('aborted'), { name: 'AbortError' })
        signal?.addEventListener('abort', () => reject(error))
      })
    const failure = await failureOf(() => sendBounded(request, { fetch: fetch as never, timeoutSeconds: 0.05 }))
    expect(failure.code).toBe('timeout')
  })

  it('a stream of Node to fhir.json: the resource is read', async () => {
    const grant = {
      ...{ fhirBaseUrl: 'https://ehr.example/fhir', accessToken: 'a', expiresAt: 0, scope: ScopeSet.parse('') },
      ...{ patient: undefined, encounter: undefined, fhirUser: undefined, idToken: undefined, launch: {} },
      launchId: undefined,
    }
    const body = () => Readable.from(['{"resourceType":"Patient"}'])
    const tokens = { current: async () => 'a', replace: async () => 'b' }
    let asked = 0
    const answer = async () => ({ status: ++asked === 1 ? 401 : 200, ok: asked > 1, headers, body: body() })
    const fhir = new FhirContext(grant, { tokens, send: answer as never })
    expect(await fhir.json('Patient/1')).toEqual({ resourceType: 'Patient' })
    expect(asked).toBe(2)
  })
})
