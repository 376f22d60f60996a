import { once } from 'node:events'
import { serve } from '@hono/node-server'
import type { Hono } from 'hono'

/** Returns what stops it: no new request is taken, and those that are there are answered. */
export async function listen(app: Hono, port: number, host: string): Promise<() => Promise<void>> {
  const server = serve({ fetch: app.fetch, port, hostname: host })
  await once(server, 'listening')
  return async () => {
    server.close()
    await once(server, 'close')
  }
}
