import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setPriority } from 'node:os'

// A hospital's authorization and FHIR server. A hostile one logs people in, and then answers as badly as it can.
const isHostile = process.argv[2] === 'hostile'
const TOKEN_SECONDS = 40
const HUGE = Buffer.from(`{"access_token":"${'x'.repeat(8 * 1024 * 1024)}"}`)
const CHUNK = Buffer.alloc(64 * 1024, 'x')
const BRACKETS = Buffer.alloc(200_000, '[')
const NESTED = Buffer.from(`${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`)
let origin = ''
// It shares a core with the load generator, whose clock must not wait for it.
if (isHostile) setPriority(19)

/** Each does harm to a client that trusts it. They take turns. */
const harms: readonly ((response: ServerResponse) => void)[] = [
  // Slow: never answers.
  () => {},
  // Huge.
  (response) => void response.end(HUGE),
  // Endless, and slow enough to leave the load generator its time: both are on one core.
  (response) => {
    response.write('{"access_token":"')
    const pour = setInterval(() => response.write(CHUNK), 5)
    response.on('close', () => clearInterval(pour))
  },
  // Malformed: nested deeply, no JSON, cut off.
  (response) => void response.end(BRACKETS),
  (response) => void response.end(NESTED),
  (response) => void response.end('<html>not a token</html>'),
  (response) => {
    response.writeHead(200, { 'content-length': '1000' }).write('{')
    setTimeout(() => response.destroy(), 100)
  },
  (response) => void response.writeHead(503, { 'retry-after': '999999999' }).end(),
]
let turn = 0

const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    const { url = '' } = request
    response.setHeader('content-type', 'application/json')
    if (url.endsWith('/.well-known/smart-configuration')) {
      const endpoints = { authorization_endpoint: `${origin}/authorize`, token_endpoint: `${origin}/token` }
      response.end(JSON.stringify({ ...endpoints, code_challenge_methods_supported: ['S256'] }))
    } else if (isHostile && !(url === '/token' && turn % 4 === 0)) {
      harms[turn % harms.length]?.(response)
    } else if (url === '/token') {
      response.end(
        JSON.stringify({
          access_token: crypto.randomUUID(),
          refresh_token: crypto.randomUUID(),
          token_type: 'Bearer',
          expires_in: TOKEN_SECONDS,
          patient: 'p1',
        }),
      )
    } else {
      response.end(JSON.stringify({ resourceType: 'Patient', id: 'p1', name: [{ family: 'Testwell' }] }))
    }
    turn++
  })
})
server.listen(0, '127.0.0.1', () => {
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  process.send?.({ url: `${origin}/fhir` })
})
process.on('disconnect', () => process.exit())
