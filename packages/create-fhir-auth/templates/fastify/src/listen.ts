import type { FastifyInstance } from 'fastify'

/** Returns what stops it: no new request is taken, and those that are there are answered. */
export async function listen(app: FastifyInstance, port: number, host: string): Promise<() => Promise<void>> {
  await app.listen({ port, host })
  return async () => {
    await app.close()
  }
}
