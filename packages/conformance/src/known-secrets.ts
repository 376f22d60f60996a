import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Sandbox } from '@fhir-auth/sandbox'

/** Secrets in requests to the sandbox. */
const SECRET_PARAMETERS = [
  'code',
  'code_verifier',
  'refresh_token',
  'client_secret',
  'client_assertion',
  'token',
  'launch',
]
const SECRET_MEMBERS = ['access_token', 'refresh_token', 'id_token']
/** Shorter values would be found in ordinary text. */
const SHORTEST = 8

/** All secrets that app and sandbox have exchanged, so that responses and logs can be searched for them. */
export class KnownSecrets {
  readonly #values = new Set<string>()

  add(...values: (string | null | undefined)[]): void {
    for (const value of values) if (value && value.length >= SHORTEST) this.#values.add(value)
  }

  addRequests(requests: Sandbox['requests']): void {
    for (const { query, form, headers } of requests) {
      for (const name of SECRET_PARAMETERS) this.add(...query.getAll(name), ...form.getAll(name))
      const [scheme = '', credentials = ''] = (headers.authorization ?? '').split(' ')
      this.add(credentials)
      if (/^basic$/i.test(scheme)) this.add(Buffer.from(credentials, 'base64').toString())
    }
  }

  /** Also the tokens that no request has used yet: reads what the token endpoints of this process answer. */
  watchTokenResponses(): { end(): void } {
    const onRequest = (message: unknown) => {
      const { request, response } = message as { request: IncomingMessage; response: ServerResponse } // of this channel
      if (!request.url?.split('?', 1)[0]?.endsWith('/token')) return
      watchJson(response, (members) => {
        for (const name of SECRET_MEMBERS) if (typeof members[name] === 'string') this.add(members[name])
      })
    }
    subscribe(REQUESTS, onRequest)
    return { end: () => void unsubscribe(REQUESTS, onRequest) }
  }

  /** The secrets that a text contains, shortened so that a failing test does not show them. */
  foundIn(text: string): string[] {
    const decoded = decodeLeniently(text)
    return [...this.#values]
      .filter((value) => text.includes(value) || decoded.includes(value))
      .map((value) => `${value.slice(0, 6)}… (${value.length} characters)`)
  }
}

/** More than any token response. A hostile server may send an endless one. */
const LONGEST_RESPONSE = 64 * 1024

/** Each request that a server of this process gets. */
const REQUESTS = 'http.server.request.start'

function watchJson(response: ServerResponse, onJson: (members: Record<string, unknown>) => void): void {
  let text = ''
  const watched = (send: 'write' | 'end') => {
    const original = response[send].bind(response) as (...parts: unknown[]) => unknown
    return (...parts: unknown[]) => {
      const [part] = parts
      if (text.length < LONGEST_RESPONSE && (typeof part === 'string' || part instanceof Uint8Array)) {
        text += Buffer.from(part as string).toString()
      }
      return original(...parts)
    }
  }
  Object.assign(response, { write: watched('write'), end: watched('end') })
  response.once('finish', () => {
    try {
      onJson(JSON.parse(text))
    } catch {
      // The app gets no token from it either.
    }
  })
}

function decodeLeniently(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}
