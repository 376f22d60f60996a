import { type RequestListener, request as requestHttp } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { selfSignedCertificate } from '../../../core/test/support/self-signed-server.ts'

export interface HttpsServer {
  origin: string
  close(): Promise<void>
}

/**
 * Serves an app over https, which cookies for a frame need.
 *
 * @param host - `localhost` and `127.0.0.1` are two sites to a browser
 */
export async function startHttps(
  host: 'localhost' | '127.0.0.1',
  build: (origin: string) => RequestListener,
): Promise<HttpsServer> {
  const { certificate, privateKey } = selfSignedCertificate()
  let app: RequestListener | undefined
  const server = createServer({ cert: certificate, key: privateKey }, (request, response) => app?.(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `https://${host}:${(server.address() as AddressInfo).port}` // a TCP server that listens
  app = build(origin)
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { origin, close }
}

/** Passes everything on to a server without https, whose redirects to itself then come back here. */
export function passOnTo(target: string, origin: string): RequestListener {
  return (incoming, answer) => {
    const { host } = new URL(target)
    const options = { method: incoming.method, headers: { ...incoming.headers, host } }
    const onward = requestHttp(target + incoming.url, options, (response) => {
      const { location } = response.headers
      if (location?.startsWith(target)) response.headers.location = origin + location.slice(target.length)
      answer.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(answer)
    })
    onward.on('error', () => answer.destroy())
    incoming.pipe(onward)
  }
}
