import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** A server on 127.0.0.1 that ends with the test. */
export async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** One JSON document at every path, with headers that are as they should be unless given. */
export function serveJson(document: unknown, headers: Record<string, string> = {}): Promise<string> {
  const all = { 'content-type': 'application/json', 'cache-control': 'public, max-age=600', ...headers }
  return serve((_request, response) => {
    // An empty value is a header that is not sent.
    const sent = Object.entries(all).filter(([, value]) => value !== '')
    response.writeHead(200, Object.fromEntries(sent)).end(JSON.stringify(document))
  })
}

/** Documents by path; 404 for any other. */
export function serveDocuments(documents: (origin: string) => Record<string, unknown>): Promise<string> {
  let origin = ''
  const started = serve((request, response) => {
    const document = documents(origin)[request.url ?? '']
    if (document === undefined) response.writeHead(404).end('not here')
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
  })
  return started.then((address) => {
    origin = address
    return address
  })
}
