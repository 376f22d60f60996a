import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'

/** A request that the attacker has seen. */
export interface SeenRequest {
  /** `elsewhere` is another origin of the same attacker. */
  host: 'hostile' | 'elsewhere'
  path: string
  headers: IncomingHttpHeaders
  form: URLSearchParams
  method: string
  body: string
}

type Respond = (response: ServerResponse, request: SeenRequest) => unknown

/**
 * The authorization and FHIR server of an attacker, at which the app is registered. By default it behaves like a good server,
 * and logs everyone in.
 */
export interface HostileServer {
  readonly origin: string
  readonly fhirBaseUrl: string
  /** The attacker's other origin: the token must never get there. */
  readonly elsewhere: string
  readonly requests: readonly SeenRequest[]
  requestsTo(path: string): SeenRequest[]
  /** Sets the response of a path. */
  at(path: string, respond: Respond): void
  /** Changes the JSON that a path answers with. */
  change(path: string, change: (body: Record<string, unknown>) => unknown): void
  /** Forgets all requests, and behaves like a good server again. */
  reset(): void
  close(): Promise<void>
}

export const CONFIGURATION = '/fhir/.well-known/smart-configuration'

export async function startHostileServer(): Promise<HostileServer> {
  const requests: SeenRequest[] = []
  const answers = new Map<string, Respond>()
  const changes = new Map<string, (body: Record<string, unknown>) => unknown>()
  const servers: Server[] = []
  const listen = (host: SeenRequest['host']) => {
    const server = createServer(async (message, response) => {
      let body = ''
      for await (const chunk of message) body += chunk
      const path = message.url ?? '/'
      const request = {
        host,
        path,
        headers: message.headers,
        form: new URLSearchParams(body),
        method: message.method ?? '',
        body,
      }
      requests.push(request)
      const respond = answers.get(path)
      if (respond) return void (await respond(response, request))
      const usual = usualAnswer(path)
      sendJson(response, (await changes.get(path)?.(usual)) ?? usual)
    })
    servers.push(server)
    return new Promise<string>((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)),
    )
  }
  const origin = await listen('hostile')
  const elsewhere = await listen('elsewhere')

  function usualAnswer(path: string): Record<string, unknown> {
    if (path === CONFIGURATION) {
      return {
        issuer: origin,
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/token`,
        jwks_uri: `${origin}/jwks`,
        code_challenge_methods_supported: ['S256'],
        capabilities: ['launch-standalone', 'permission-v2'],
      }
    }
    if (path === '/token') {
      const token = crypto.randomUUID()
      return { access_token: token, token_type: 'Bearer', expires_in: 300, patient: 'p1', refresh_token: `r-${token}` }
    }
    return { resourceType: 'Patient', id: 'p1' }
  }

  return {
    origin,
    elsewhere,
    fhirBaseUrl: `${origin}/fhir`,
    requests,
    requestsTo: (path) => requests.filter((request) => request.path === path),
    at: (path, respond) => void answers.set(path, respond),
    change: (path, change) => void changes.set(path, change),
    reset() {
      requests.length = 0
      answers.clear()
      changes.clear()
    },
    async close() {
      for (const server of servers) {
        const closed = new Promise((resolve) => server.close(resolve))
        server.closeAllConnections()
        await closed
      }
    },
  }
}

export function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  sendText(response, JSON.stringify(body), status)
}

/** JSON text, for example with a member that occurs twice. */
export function sendText(response: ServerResponse, text: string, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(text)
}

export function redirectTo(location: string, status = 302): Respond {
  return (response) => void response.writeHead(status, { location }).end()
}

/** Responses that would use up the memory or the time of a client that reads them to the end. */
export const bombs: Readonly<Record<string, Respond>> = {
  'a body without an end': (response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).write('{"access_token":"')
    const chunk = 'x'.repeat(64 * 1024)
    const pour = () => {
      while (!response.destroyed && response.write(chunk));
    }
    response.on('drain', pour)
    pour()
  },
  'a decompression bomb': (response) => {
    bomb ??= gzipSync(Buffer.alloc(64 * 1024 * 1024, ' '))
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(bomb)
  },
  'an object nested ten thousand deep': (response) => {
    const nested = `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`
    sendText(response, `{"access_token":"the-token-of-a-bomb","token_type":"Bearer","patient":"p1","nested":${nested}}`)
  },
  'a hundred thousand brackets': (response) => sendText(response, '['.repeat(100_000)),
}

let bomb: Buffer | undefined
