import type { ServerResponse } from 'node:http'
import { type SeenRequest, startServer, type TestServer } from './http-server.ts'

export interface TokenServer extends TestServer {
  fhirBaseUrl: string
  tokenEndpoint: string
  requestsTo(path: string): SeenRequest[]
  readonly tokenRequests: SeenRequest[]
  readonly discoveryRequests: SeenRequest[]
}

export function sendJson(response: ServerResponse, body: unknown, status = 200, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

/** Writes for as long as somebody listens. */
export function writeEndlessly(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  const chunk = ' '.repeat(64 * 1024)
  const more = () => {
    while (!response.destroyed && response.write(chunk));
    if (!response.destroyed) response.once('drain', more)
  }
  more()
}

/**
 * A FHIR server and its token endpoint, whose answers the test writes. By default it grants `token-1`, `token-2`, … for
 * 300 s each.
 */
export async function startTokenServer(
  answerToken: (request: SeenRequest, response: ServerResponse, count: number) => unknown = (_, response, count) =>
    sendJson(response, grantOf(count)),
  discovered: Record<string, unknown> = {},
): Promise<TokenServer> {
  let count = 0
  const server = await startServer(async (request, response) => {
    const path = request.url.split('?')[0]
    if (path === '/token') {
      count++
      await answerToken(request, response, count)
    } else if (path === '/fhir/.well-known/smart-configuration') {
      sendJson(response, { token_endpoint: `${server.origin}/token`, ...discovered })
    } else if (path?.startsWith('/fhir/')) sendJson(response, { resourceType: 'Bundle' })
    else response.writeHead(404).end()
  })
  const requestsTo = (path: string) => server.requests.filter(({ url }) => url.split('?')[0] === path)
  return {
    ...server,
    fhirBaseUrl: `${server.origin}/fhir`,
    tokenEndpoint: `${server.origin}/token`,
    requestsTo,
    get tokenRequests() {
      return requestsTo('/token')
    },
    get discoveryRequests() {
      return requestsTo('/fhir/.well-known/smart-configuration')
    },
  }
}

export function grantOf(count: number): Record<string, unknown> {
  return { access_token: `token-${count}`, token_type: 'bearer', expires_in: 300, scope: 'system/Patient.rs' }
}
