import 'reflect-metadata'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { FhirAuthModule } from '@fhir-auth/nest'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { createLaunch, logIn, OTHER_COOKIES } from '../support/fhir-login.ts'
import type { Calls } from './calls.ts'

type Request = IncomingMessage & { fhir?: object }
type Middleware = (req: Request, res: ServerResponse, next: () => void) => void

export async function capture(): Promise<Calls> {
  const launch = createLaunch()
  const adapter = new ExpressAdapter()
  const use = adapter.use.bind(adapter)
  const used: Middleware[] = []
  adapter.use = (...middleware) => {
    used.push(...(middleware.filter((item) => typeof item === 'function') as Middleware[]))
    return use(...middleware)
  }
  class AppModule {}
  const module = { module: AppModule, imports: [FhirAuthModule.forRoot({ smartLaunch: launch })] }
  const app = await NestFactory.create(module, adapter, { logger: false })
  const exchanges: { req: Request; res: ServerResponse }[] = []
  app.use((req: Request, res: ServerResponse) => {
    exchanges.push({ req, res })
    res.end('ok')
  })
  await app.listen(0, '127.0.0.1')
  const url = (await app.getUrl()).replace('[::1]', '127.0.0.1')
  for (const cookie of [`${OTHER_COOKIES}; ${await logIn(launch)}`, OTHER_COOKIES]) {
    await fetch(`${url}/vitals?page=1`, { headers: { cookie } })
  }
  await app.close()
  const [live, without] = exchanges
  const ours = used.find(({ name }) => name === 'fhirMiddleware')
  if (!live || !without || !ours) throw new Error('Nest did not call the middleware.')
  const noOp: Middleware = (_req, _res, next) => next()
  const next = () => {}
  return {
    noOp: () => noOp(live.req, live.res, next),
    live: () => ours(live.req, live.res, next),
    without: () => ours(without.req, without.res, next),
    isAttached: () => live.req.fhir !== undefined && without.req.fhir === undefined,
  }
}
