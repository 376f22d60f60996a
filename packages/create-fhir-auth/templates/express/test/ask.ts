import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Express } from 'express'

/** Sends one request to an app that listens only for it. */
export async function ask(app: Express, path: string, headers: Record<string, string> = {}) {
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    headers: { accept: 'application/json', connection: 'close', ...headers },
  })
  const body = await answer.text()
  server.close()
  return { status: answer.status, body }
}
