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

  /** Also the tokens that no request has used yet: reads what the sandbox's token endpoint answers to this process. */
  watchTokenResponses(): { end(): void } {
    const original = globalThis.fetch
    const watching: typeof fetch = async (input, init) => {
      const response = await original(input, init)
      const isToken = new URL(input instanceof Request ? input.url : input).pathname.endsWith('/token')
      if (isToken && response.headers.get('content-type')?.includes('json')) {
        const members = await startOfJson(response.clone())
        for (const name of SECRET_MEMBERS) if (typeof members[name] === 'string') this.add(members[name])
      }
      return response
    }
    globalThis.fetch = watching
    return {
      end: () => {
        globalThis.fetch = original
      },
    }
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

async function startOfJson(response: Response): Promise<Record<string, unknown>> {
  const reader = response.body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  try {
    while (reader && text.length < LONGEST_RESPONSE) {
      const { done, value } = await reader.read()
      if (done) return JSON.parse(text + decoder.decode())
      text += decoder.decode(value, { stream: true })
    }
    void reader?.cancel()
  } catch {
    // The app gets this secret too.
  }
  return {}
}

function decodeLeniently(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}
