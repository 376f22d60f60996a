import { createServer, IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isAcceptedHost } from './accepted-host.ts'
import { sendAnswer } from './answer.ts'
import { type RecordedRequest, recordRequest } from './request-record.ts'

/** One request on its way through the sandbox. */
export interface IncomingCall {
  message: IncomingMessage
  response: ServerResponse
  recorded: RecordedRequest
}

export interface HttpHost {
  origin: string
  /** Ends every connection, kept alive or busy. */
  close: () => Promise<void>
}

const largestBodyBytes = 1024 * 1024

/** RFC 9110 §15.5.20. The request is neither read nor recorded. */
const misdirected = {
  status: 421,
  headers: { 'content-type': 'text/plain; charset=utf-8', connection: 'close' },
  body: 'The Host of this request is not the sandbox. Use the address that it printed, or localhost with its port.\n',
}

/**
 * Listens, and records requests. The handler starts after the body was read; if it throws, the answer is 500.
 * @param hostOf which of the sandbox's two hosts a path belongs to
 */
export async function startHttpHost(options: {
  host: string
  port: number
  hostOf: (path: string) => RecordedRequest['host']
  record: (request: RecordedRequest) => void
  handle: (call: IncomingCall) => Promise<void>
}): Promise<HttpHost> {
  const server = createServer((request, response) => {
    answer(request, response, options).catch((error: unknown) => {
      process.emitWarning(error instanceof Error ? error : String(error))
      if (response.headersSent) return response.destroy()
      response.statusCode = 500
      return response.end()
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const { port } = server.address() as AddressInfo // a TCP server that listens
  const name = options.host.includes(':') ? `[${options.host}]` : options.host
  return { origin: `http://${name}:${port}`, close: () => closeServer(server) }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { host, hostOf, record, handle }: Parameters<typeof startHttpHost>[0],
): Promise<void> {
  if (!isAcceptedHost(request.headers.host, host)) return sendAnswer(response, misdirected)
  const body = await readBody(request)
  if (!body) return
  const [path = '/'] = (request.url ?? '/').split('?')
  const recorded = recordRequest(hostOf(path), request, body.toString())
  record(recorded)
  response.once('finish', () => {
    recorded.status = response.statusCode
  })
  await handle({ message: replay(request, body), response, recorded })
}

/** The whole body, or undefined when the client went away or sent too much. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of request) {
      size += chunk.length
      if (size > largestBodyBytes) {
        request.socket.destroy()
        return undefined
      }
      chunks.push(chunk)
    }
  } catch {
    return undefined
  }
  return Buffer.concat(chunks)
}

/** The same request once more, so that the authorization server can read the body that was recorded. */
function replay(request: IncomingMessage, body: Buffer): IncomingMessage {
  const message = new IncomingMessage(request.socket)
  Object.assign(message, {
    method: request.method,
    url: request.url,
    httpVersion: request.httpVersion,
    httpVersionMajor: request.httpVersionMajor,
    httpVersionMinor: request.httpVersionMinor,
    headers: request.headers,
    rawHeaders: request.rawHeaders,
    complete: true,
  })
  message.push(body)
  message.push(null)
  return message
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
