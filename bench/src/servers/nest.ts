import 'reflect-metadata'
import { Fhir, FhirAuthModule, type FhirContext } from '@fhir-auth/nest'
import {
  Controller,
  type DynamicModule,
  Get,
  type INestApplication,
  Module,
  Req,
  UnauthorizedException,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { Request, RequestHandler } from 'express'
import session from 'express-session'
import { createLaunch, logIn, OTHER_COOKIES } from '../support/fhir-login.ts'
import {
  ATTACHING,
  BARE,
  NO_OP,
  OURS,
  OURS_WITHOUT,
  type RunningServer,
  sessionContent,
  sessionCookies,
  TWIN,
  type Variants,
} from './variant.ts'

type SessionRequest = Request & { session: { fhir?: object } }

@Controller()
export class PlainController {
  @Get()
  show(): string {
    return 'ok'
  }
}

@Controller()
class FhirController {
  @Get()
  show(fhir: FhirContext | undefined): string {
    if (!fhir) throw new UnauthorizedException()
    return 'ok'
  }
}
// Written as calls, so that a parser without parameter decorators can read this file.
Fhir()(FhirController.prototype, 'show', 0)

@Controller()
class SessionController {
  @Get('begin')
  begin(request: SessionRequest): string {
    request.session.fhir = sessionContent
    return 'ok'
  }

  @Get()
  show(request: SessionRequest): string {
    if (!request.session.fhir) throw new UnauthorizedException()
    return 'ok'
  }
}
Req()(SessionController.prototype, 'begin', 0)
Req()(SessionController.prototype, 'show', 0)

@Module({})
class AppModule {}

export async function createNestApp(
  controllers: DynamicModule['controllers'],
  middleware?: RequestHandler,
  imports: DynamicModule['imports'] = [],
): Promise<INestApplication> {
  const module = { module: AppModule, controllers: controllers ?? [], imports: imports ?? [] }
  const app = await NestFactory.create(module, { logger: ['error'] })
  if (middleware) app.use(middleware)
  return app
}

async function serve(app: INestApplication, cookie?: string): Promise<RunningServer> {
  await app.listen(0, '127.0.0.1')
  return { url: (await app.getUrl()).replace('[::1]', '127.0.0.1'), cookie }
}

export const nestVariants: Variants = {
  [BARE]: async () => serve(await createNestApp([PlainController])),
  [TWIN]: async () => serve(await createNestApp([PlainController])),
  [NO_OP]: async () => serve(await createNestApp([PlainController], (_req, _res, next) => next())),
  [ATTACHING]: async () =>
    serve(
      await createNestApp([PlainController], (req, _res, next) => {
        if (req.headers.cookie !== undefined) Object.assign(req, { value: sessionContent })
        next()
      }),
    ),
  [OURS]: async () => {
    const launch = createLaunch()
    const imports = [FhirAuthModule.forRoot({ smartLaunch: launch })]
    return serve(await createNestApp([FhirController], undefined, imports), `${OTHER_COOKIES}; ${await logIn(launch)}`)
  },
  [OURS_WITHOUT]: async () => {
    const imports = [FhirAuthModule.forRoot({ smartLaunch: createLaunch() })]
    return serve(await createNestApp([PlainController], undefined, imports), OTHER_COOKIES)
  },
  'express-session, memory store': async () => {
    const secret = crypto.randomUUID()
    const middleware = session({ secret, resave: false, saveUninitialized: false })
    const { url } = await serve(await createNestApp([SessionController], middleware))
    return { url, cookie: await sessionCookies(url) }
  },
}
