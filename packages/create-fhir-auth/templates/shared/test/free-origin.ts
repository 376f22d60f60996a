import { once } from 'node:events'
import { createServer } from 'node:net'

/** The origin is registered before the app listens, so it needs a port that is free now. */
export async function freeOrigin(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('No port is free.')
  return `http://127.0.0.1:${address.port}`
}
