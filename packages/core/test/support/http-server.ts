import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface SeenRequest {
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: string
  form: URLSearchParams
}

export interface TestServer {
  origin: string
  /** Every request, in order. */
  requests: SeenRequest[]
  close(): Promise<void>
}

/** A real server on 127.0.0.1 that records what it gets; ends with the test. */
export async function startServer(
  answer: (request: SeenRequest, response: ServerResponse) => void | Promise<void>,
): Promise<TestServer> {
  const requests: SeenRequest[] = []
  const server = await listen(async (message, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of message) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString()
    const { method = '', url = '', headers } = message
    const request = { method, url, headers, body, form: new URLSearchParams(body) }
    requests.push(request)
    await answer(request, response)
  })
  return { ...server, requests }
}

/** Serves JSON documents by path; 404 for any other. */
export async function startJsonServer(
  documents: (origin: string) => Record<string, unknown>,
  headers: Record<string, string> = {},
): Promise<TestServer> {
  const server = await startServer((request, response) => {
    const path = request.url.split('?')[0] ?? ''
    const document = documents(server.origin)[path]
    if (document === undefined) response.writeHead(404).end('not here')
    else response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(document))
  })
  return server
}

export async function listen(listener: RequestListener): Promise<{ origin: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    Promise.resolve(listener(request, response)).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async () => {
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  onTestFinished(close)
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}
