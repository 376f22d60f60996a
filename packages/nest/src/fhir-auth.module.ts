import { BackendServices, createBackendServices, createSmartLaunch, FhirAuthError, SmartLaunch } from '@fhir-auth/core'
import { Inject, Module, type NestModule } from '@nestjs/common'
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core'
import { fhirMiddleware } from './fhir.middleware.ts'
import {
  ConfigurableFhirAuthModule,
  FHIR_AUTH_OPTIONS,
  type FhirAuthModuleOptions as Options,
} from './fhir-auth.module-definition.ts'
import { FhirExceptionFilter } from './fhir-exception.filter.ts'

/**
 * Logs people in by SMART app launch, serves the app's JWKS, and gives each request its token: for `@Fhir()` and
 * `FhirGuard`. `SmartLaunch` and `BackendServices` are injectable, each where its option is set.
 *
 * @throws `invalid_option`, `insecure_url` when the app starts with options that cannot work
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
      // Without a value Nest has no such filter: then the app's own are asked, and Nest's default.
      useFactory: ({ problems }: Options, host: HttpAdapterHost) =>
        problems === 'forward' ? undefined : new FhirExceptionFilter(host),
    },
  ],
  exports: [SmartLaunch, BackendServices],
})
export class FhirAuthModule extends ConfigurableFhirAuthModule implements NestModule {
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
   * Nest calls this before it adds any module's middleware and routes. The adapter takes the middleware itself, not the
   * consumer, whose routes lie under the global prefix: the callback is wherever the EHR was told it is.
   */
  configure(): void {
    for (const handler of this.#handlers) {
      if (handler) this.#host.httpAdapter.use(fhirMiddleware(handler, this.#options.problems))
    }
  }
}
