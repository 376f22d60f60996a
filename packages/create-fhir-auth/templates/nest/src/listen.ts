import type { INestApplication } from '@nestjs/common'

/** Returns what stops it: no new request is taken, and those that are there are answered. */
export async function listen(app: INestApplication, port: number, host: string): Promise<() => Promise<void>> {
  await app.listen(port, host)
  return () => app.close()
}
