import { inspect } from 'node:util'
import { type AdapterHost, type AppRoute, type AppSetup, answerOfError, startNodeApp } from '@fhir-auth/conformance'
import {
  type ArgumentsHost,
  applyDecorators,
  Catch,
  Controller,
  type DynamicModule,
  type ExceptionFilter,
  Get,
  Header,
  Inject,
  Req,
  type Type,
} from '@nestjs/common'
import { APP_FILTER, HttpAdapterHost, NestFactory } from '@nestjs/core'
import { Fhir, FhirAuthModule, type FhirContext, RequireFhir } from '../../src/index.ts'
import { adapterFor, type Platform } from './nest-app.ts'

/** Builds what the suite asks for as a Nest app on one platform. */
export function nestHost(platform: Platform): AdapterHost {
  return {
    start: (setup) =>
      startNodeApp(async (origin) => {
        const write = (...parts: unknown[]) => setup.log.write(parts.map((part) => inspect(part)).join(' '))
        const logger = { log: () => {}, warn: write, error: write, fatal: write }
        const app = await NestFactory.create(moduleOf(setup, origin), adapterFor(platform), { logger })
        app.setGlobalPrefix(setup.mountPath)
        await app.init()
        const instance = app.getHttpAdapter().getInstance()
        if (platform === 'fastify') await instance.ready()
        return { listener: platform === 'fastify' ? instance.routing : instance, close: () => app.close() }
      }),
  }
}

function moduleOf(setup: AppSetup, origin: string): DynamicModule {
  const { problems } = setup
  const smartLaunch = setup.smartLaunch?.(origin)
  const backendServices = setup.backendServices?.(origin)
  const together = { smartLaunch, backendServices, fhirProxy: setup.fhirProxy, problems }
  // One module is what an app writes; two make the other order.
  const registrations = setup.backendFirst
    ? [
        { backendServices, problems },
        { smartLaunch, problems },
      ]
    : smartLaunch || backendServices
      ? [together]
      : []
  return {
    module: class ConformanceModule {},
    imports: registrations.map((options) => FhirAuthModule.forRoot(options)),
    controllers: setup.routes.map(controllerOf),
    providers: setup.errorHandler ? [{ provide: APP_FILTER, useClass: OwnErrorHandler }] : [],
  }
}

function controllerOf({ path, requirement, cacheControl, handle }: AppRoute): Type {
  @Controller()
  class RouteController {
    @Get(path)
    @(requirement === undefined ? applyDecorators() : RequireFhir(requirement))
    @(cacheControl === undefined ? applyDecorators() : Header('cache-control', cacheControl))
    answer(@Fhir() fhir: FhirContext | undefined, @Req() request: { url: string }) {
      return handle(fhir, request)
    }
  }
  return RouteController
}

@Catch()
class OwnErrorHandler implements ExceptionFilter {
  readonly #host: HttpAdapterHost

  constructor(@Inject(HttpAdapterHost) host: HttpAdapterHost) {
    this.#host = host
  }

  catch(error: unknown, context: ArgumentsHost) {
    const { status, body } = answerOfError(error)
    this.#host.httpAdapter.reply(context.getArgByIndex(1), body, status)
  }
}
