import { once } from 'node:events'
import { createServer } from 'node:net'
import type { DynamicModule, INestApplication, Type } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { onTestFinished } from 'vitest'

export type Platform = 'express' | 'fastify'

export function adapterFor(platform: Platform): ExpressAdapter | FastifyAdapter {
  return platform === 'express' ? new ExpressAdapter() : new FastifyAdapter()
}

/** A Nest app on 127.0.0.1 that knows its origin while it is built, and ends with the test. */
export async function startNestApp(
  platform: Platform,
  moduleFor: (origin: string) => Type | DynamicModule,
  prepare: (app: INestApplication) => void = () => {},
): Promise<{ origin: string; app: INestApplication }> {
  const app = async (origin: string) =>
    NestFactory.create(moduleFor(origin), adapterFor(platform), { logger: false, abortOnError: false })
  return listen(app, prepare)
}

/** Starts any app, such as one of a testing module. */
export async function listen(
  createApp: (origin: string) => Promise<INestApplication>,
  prepare: (app: INestApplication) => void = () => {},
): Promise<{ origin: string; app: INestApplication }> {
  const port = createServer().listen(0, '127.0.0.1')
  await once(port, 'listening')
  const address = port.address()
  const number = typeof address === 'object' && address ? address.port : 0
  const origin = `http://127.0.0.1:${number}`
  try {
    const app = await createApp(origin)
    onTestFinished(() => app.close())
    prepare(app)
    await app.init()
    // Held until here, so that no other test gets this port meanwhile.
    port.close()
    await once(port, 'close')
    await app.listen(number, '127.0.0.1')
    return { origin, app }
  } finally {
    port.close()
  }
}
