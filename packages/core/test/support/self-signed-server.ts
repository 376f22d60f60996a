import { generateKeyPairSync, sign } from 'node:crypto'
import { createServer, request as requestHttps, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { SeenRequest } from './http-server.ts'

/** An https server whose certificate nobody has signed but itself. */
export async function startSelfSignedServer(
  documents: (origin: string) => Record<string, unknown>,
  options: ServerOptions = {},
): Promise<{ origin: string; certificate: string; requests: Pick<SeenRequest, 'method' | 'url'>[] }> {
  const { certificate, privateKey } = selfSignedCertificate()
  const requests: Pick<SeenRequest, 'method' | 'url'>[] = []
  const server = createServer({ cert: certificate, key: privateKey, ...options }, (request, response) => {
    const { method = '', url = '' } = request
    requests.push({ method, url })
    const document = documents(origin)[url]
    response.writeHead(document ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(document))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { origin, certificate, requests }
}

/** A `fetch` that trusts this one certificate: what an app with an internal authority gives to the library. */
export function fetchTrusting(certificate: string): typeof fetch {
  return async (input, init) => {
    const { method, headers, body } = init ?? {}
    return new Promise((resolve, reject) => {
      const options = { ca: certificate, method, headers: Object.fromEntries(new Headers(headers)) }
      const request = requestHttps(String(input), options, async (message) => {
        const chunks: Buffer[] = []
        for await (const chunk of message) chunks.push(chunk)
        resolve(new Response(Buffer.concat(chunks), { status: message.statusCode ?? 500 }))
      })
      request.on('error', reject).end(body ?? undefined)
    })
  }
}

/** X.509 by hand (RFC 5280 §4.1), since Node can read certificates but not make them. */
export function selfSignedCertificate(): { certificate: string; privateKey: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const ecdsaWithSha256 = der(0x30, Buffer.from('06082a8648ce3d040302', 'hex'))
  const commonName = der(0x30, Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.from('127.0.0.1')))
  const name = der(0x30, der(0x31, commonName))
  const address = der(0x30, der(0x87, Buffer.from([127, 0, 0, 1])))
  const subjectAltName = der(0x30, Buffer.from('0603551d11', 'hex'), der(0x04, address))
  const hour = 3600 * 1000
  const toBeSigned = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ecdsaWithSha256,
    name,
    der(0x30, utcTime(Date.now() - hour), utcTime(Date.now() + hour)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(0x30, subjectAltName)),
  )
  const signature = der(0x03, Buffer.from([0]), sign('sha256', toBeSigned, privateKey))
  const base64 = der(0x30, toBeSigned, ecdsaWithSha256, signature).toString('base64')
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${base64.match(/.{1,64}/g)?.join('\n')}\n-----END CERTIFICATE-----\n`,
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  }
}

function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

function utcTime(time: number): Buffer {
  const digits = new Date(time).toISOString().replace(/\D/g, '').slice(2, 14)
  return der(0x17, Buffer.from(`${digits}Z`))
}
