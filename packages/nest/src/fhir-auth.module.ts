import {
  BackendServices,
  createBackendServices,
  createFhirProxy,
  createSmartLaunch,
  FhirAuthError,
  FhirProxy,
  SmartLaunch,
} from '@fhir-auth/core'
import { nodeMiddleware, nodeStreamMiddleware } from '@fhir-auth/core/adapter'
import { Inject, Module, type NestModule, type OnApplicationShutdown } from '@nestjs/common'
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core'
import { throwable } from './fhir.exception.ts'
import {
  ConfigurableFhirAuthModule,
  FHIR_AUTH_OPTIONS,
  type FhirAuthModuleOptions as Options,
} from './fhir-auth.module-definition.ts'
import { FhirExceptionFilter } from './fhir-exception.filter.ts'

/**
 * Logs people in with SMART app launch, serves the app's JWKS, and gives each request its context, for `@Fhir()` and
 * `FhirGuard`. `SmartLaunch` and `BackendServices` are injectable if their options are set.
 *
 * @throws `invalid_option`, `insecure_url` for wrong options, at the start of the app
 */
@Module({
  providers: [
    {
      provide: SmartLaunch,
      inject: [FHIR_AUTH_OPTIONS],
      useFactory: ({ smartLaunch, backendServices }: Options) => {
        if (smartLaunch instanceof SmartLaunch) return smartLaunch
        if (smartLaunch) return createSmartLaunch(smartLaunch)
        if (backendServices) return undefined
        throw new FhirAuthError('invalid_option', 'FhirAuthModule needs smartLaunch, backendServices, or both.')
      },
    },
    {
      provide: BackendServices,
      inject: [FHIR_AUTH_OPTIONS],
      useFactory: ({ backendServices }: Options) =>
        backendServices instanceof BackendServices
          ? backendServices
          : backendServices && createBackendServices(backendServices),
    },
    {
      provide: APP_FILTER,
      inject: [FHIR_AUTH_OPTIONS, HttpAdapterHost],
      // If this is undefined, Nest uses only the app's filters and its own default.
      useFactory: ({ problems }: Options, host: HttpAdapterHost) =>
        problems === 'forward' ? undefined : new FhirExceptionFilter(host),
    },
  ],
  exports: [SmartLaunch, BackendServices],
})
export class FhirAuthModule extends ConfigurableFhirAuthModule implements NestModule, OnApplicationShutdown {
  readonly #host: HttpAdapterHost
  readonly #options: Options
  readonly #handlers: readonly (SmartLaunch | BackendServices | undefined)[]

  constructor(
    @Inject(HttpAdapterHost) host: HttpAdapterHost,
    @Inject(FHIR_AUTH_OPTIONS) options: Options,
    @Inject(SmartLaunch) smartLaunch: SmartLaunch | undefined,
    @Inject(BackendServices) backendServices: BackendServices | undefined,
  ) {
    super()
    this.#host = host
    this.#options = options
    this.#handlers = [smartLaunch, backendServices]
  }

  /**
   * Nest calls this before it adds any module's middleware and routes. The middleware is added to the HTTP adapter, not to the
   * consumer: the consumer would add the global prefix, but the callback has the path that is registered at the EHR.
   */
  configure(): void {
    const forward = this.#options.problems === 'forward' ? throwable : undefined
    const { fhirProxy: proxy } = this.#options
    for (const handler of this.#handlers) {
      // On both platforms, it gets Node's own objects.
      if (handler) this.#host.httpAdapter.use(nodeMiddleware(handler, forward))
    }
    // After them: it needs the session that they find.
    if (proxy)
      this.#host.httpAdapter.use(nodeStreamMiddleware(proxy instanceof FhirProxy ? proxy : createFhirProxy(proxy)))
  }

  /**
   * Nest calls this when the app no longer answers requests. A refresh that is cut off may lose its session, so it waits for
   * refreshes and token requests.
   */
  async onApplicationShutdown(): Promise<void> {
    // A test may have replaced an instance by an object without this method.
    await Promise.all(this.#handlers.map((handler) => handler?.idle?.()))
  }
}
