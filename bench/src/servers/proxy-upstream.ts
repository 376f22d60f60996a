import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tokenResponse } from '../support/fhir-login.ts'
import { PATIENT } from './proxies/proxy-setup.ts'

/** How much the large answers have. */
const LARGE_BYTES = 1024 ** 3

const patient = JSON.stringify(PATIENT)
const part = Buffer.alloc(64 * 1024, 'binary ')
const entry = (id: number) =>
  `{"fullUrl":"${origin()}/r4/Observation/${id}","resource":{"resourceType":"Observation","id":"${id}","note":"${'x'.repeat(900)}"}}`

// A FHIR server that answers at once: a token, a small Patient, 1 GB as Binary and as Bundle, and a place that takes 1 GB.
const server = createServer((request, response) => {
  const path = request.url?.split('?', 1)[0]
  if (path === '/token')
    return void response.setHeader('content-type', 'application/json').end(JSON.stringify(tokenResponse()))
  if (request.method === 'POST') {
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
    })
    request.on('end', () => response.writeHead(201, { 'content-type': 'text/plain' }).end(String(size)))
    return
  }
  request.resume()
  if (path === '/r4/Binary/large') return pour(response, 'application/octet-stream', () => part)
  if (path === '/r4/Observation') return pour(response, 'application/fhir+json', bundlePart)
  response.setHeader('content-type', 'application/fhir+json').setHeader('etag', 'W/"1"').end(patient)
})

/** The next part of a Bundle with some 1,000,000 entries. */
function bundlePart(sent: number): Buffer {
  const begin = sent === 0 ? '{"resourceType":"Bundle","type":"searchset","entry":[' : ','
  return Buffer.from(begin + Array.from({ length: 64 }, (_, index) => entry(sent + index)).join(','))
}

function pour(response: ServerResponse, type: string, next: (sent: number) => Buffer): void {
  response.writeHead(200, { 'content-type': type })
  let sent = 0
  const go = (): void => {
    while (sent < LARGE_BYTES) {
      const piece = next(sent)
      sent += piece.length
      if (!response.write(piece)) return void response.once('drain', go)
    }
    response.end(type.endsWith('json') ? ']}' : undefined)
  }
  go()
}

function origin(): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

server.listen(0, '127.0.0.1', () => process.send?.({ url: origin() }))
process.on('disconnect', () => process.exit())
