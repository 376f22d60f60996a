import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

// A FHIR server's discovery and token endpoint, as fast as may be or as slow as told; it counts what it is asked.
const delayMilliseconds = Number(process.argv[2] ?? 0)
const counts = { discovery: 0, token: 0 }
let origin = ''

const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    if (request.url === '/counts') {
      response.end(JSON.stringify(counts))
      Object.assign(counts, { discovery: 0, token: 0 })
      return
    }
    const isDiscovery = request.url?.includes('/.well-known/') === true
    counts[isDiscovery ? 'discovery' : 'token']++
    const body = isDiscovery
      ? { issuer: origin, token_endpoint: `${origin}/token`, authorization_endpoint: `${origin}/authorize` }
      : { access_token: crypto.randomUUID(), token_type: 'Bearer', expires_in: 3600, scope: 'system/Patient.rs' }
    const answer = () => response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
    if (delayMilliseconds === 0) answer()
    else setTimeout(answer, delayMilliseconds)
  })
})
server.listen(0, '127.0.0.1', () => {
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  process.send?.({ url: origin })
})
process.on('disconnect', () => process.exit())
