import { once } from 'node:events'
import type { Express } from 'express'

/** Returns what stops it: no new request is taken, and those that are there are answered. */
export async function listen(app: Express, port: number, host: string): Promise<() => Promise<void>> {
  const server = app.listen(port, host)
  await once(server, 'listening')
  return async () => {
    server.close()
    await once(server, 'close')
  }
}
