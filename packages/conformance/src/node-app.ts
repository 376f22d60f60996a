import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { StartedApp } from './adapter-host.ts'

/**
 * Runs an app on node:http. It first listens on a free port of 127.0.0.1 and then builds the app, so that the app can know its
 * origin.
 *
 * @param build - returns the app's request listener, and what to close with it
 */
export async function startNodeApp(
  build: (
    origin: string,
  ) => Promise<RequestListener | { listener: RequestListener; close: () => unknown }> | RequestListener,
): Promise<StartedApp> {
  let listener: RequestListener | undefined
  const server = createServer((request, response) => {
    if (listener) listener(request, response)
    else response.writeHead(503).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // a TCP server that listens
  const stop = () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeAllConnections()
    return closed
  }
  try {
    const app = await build(origin)
    listener = typeof app === 'function' ? app : app.listener
    const close = async () => {
      await stop()
      if (typeof app !== 'function') await app.close()
    }
    return { origin, close }
  } catch (error) {
    await stop()
    throw error
  }
}
