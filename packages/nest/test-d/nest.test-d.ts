// Compiled with and without exactOptionalPropertyTypes, and against Nest 11 and 12: users have either.
import {
  BackendServices,
  clientSecretBasic,
  createBackendServices,
  createSmartLaunch,
  Fhir,
  FhirAuthError,
  FhirAuthModule,
  type FhirAuthModuleOptions,
  type FhirContext,
  FhirException,
  FhirGuard,
  intelichart,
  loadKeySet,
  RequireFhir,
  RequireScopes,
  SmartLaunch,
  type SmartLaunchOptions,
} from '@fhir-auth/nest'
import {
  type CanActivate,
  Controller,
  type DynamicModule,
  Get,
  type HttpException,
  Inject,
  Injectable,
  Module,
  UseGuards,
} from '@nestjs/common'
import { APP_GUARD } from '@nestjs/core'

type Equals<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const isType = <_Claim extends true>(): void => {}

const maybe: string | undefined = process.env.MAYBE
const options: SmartLaunchOptions = {
  fhirBaseUrl: 'https://fhir.example.com',
  clientId: maybe,
  clientAuth: clientSecretBasic(maybe),
  dialect: intelichart(),
  redirectUri: 'https://portal.example.com/callback',
  scope: 'openid patient/*.rs',
  session: { secret: maybe },
}
const smartLaunch = createSmartLaunch(options)
const backendServices = createBackendServices({
  fhirBaseUrl: 'https://fhir.example.com',
  clientId: maybe,
  keys: await loadKeySet(maybe),
  scope: 'system/*.rs',
})

// The module, with options or instances, global or not.
isType<Equals<ReturnType<typeof FhirAuthModule.forRoot>, DynamicModule>>()
FhirAuthModule.forRoot({ smartLaunch: options })
FhirAuthModule.forRoot({ smartLaunch, backendServices, isGlobal: true, problems: 'forward' })
FhirAuthModule.forRoot({ smartLaunch: undefined, backendServices, isGlobal: undefined, problems: undefined })
FhirAuthModule.forRootAsync({ useFactory: () => ({ smartLaunch: options }) })
FhirAuthModule.forRootAsync({
  isGlobal: true,
  imports: [class SettingsModule {}],
  inject: ['settings'],
  useFactory: async (settings: SmartLaunchOptions) => ({ smartLaunch: settings }),
})
class Settings {
  create(): FhirAuthModuleOptions {
    return { backendServices }
  }
}
FhirAuthModule.forRootAsync({ useClass: Settings })

// @ts-expect-error a misspelt option
FhirAuthModule.forRoot({ smartlaunch: options })
// @ts-expect-error an instance of the other kind
FhirAuthModule.forRoot({ smartLaunch: backendServices })
// @ts-expect-error the session is what every launch needs
FhirAuthModule.forRoot({ smartLaunch: { fhirBaseUrl: maybe, clientId: 'a', scope: 'openid', redirectUri: maybe } })
// @ts-expect-error a misspelt way
FhirAuthModule.forRoot({ smartLaunch, problems: 'throw' })
// @ts-expect-error the factory's options are checked too
FhirAuthModule.forRootAsync({ useFactory: () => ({ smartLaunch: backendServices }) })

// Decorators, on a class and on a method.
@Controller()
@UseGuards(FhirGuard)
@RequireFhir()
@RequireScopes('patient/Patient.rs')
export class TypedController {
  @Get()
  @RequireScopes('patient/Observation.rs', 'patient/Condition.rs')
  @RequireFhir({ scope: ['patient/Patient.r'], patient: true, encounter: undefined })
  async read(@Fhir() fhir: FhirContext): Promise<string | undefined> {
    isType<Equals<typeof fhir.patient, string | undefined>>()
    return fhir.patient
  }
}

// @ts-expect-error without a scope it would require nothing
RequireScopes()
// @ts-expect-error a misspelt requirement
RequireFhir({ scopes: 'patient/*.rs' })
// @ts-expect-error it is the context, whole
Fhir('patient')

// What may be injected, and the guard for a whole app.
@Injectable()
export class TypedService {
  readonly launch: SmartLaunch
  readonly backend: BackendServices

  constructor(@Inject(SmartLaunch) launch: SmartLaunch, @Inject(BackendServices) backend: BackendServices) {
    this.launch = launch
    this.backend = backend
  }
}
@Module({ providers: [TypedService, { provide: APP_GUARD, useClass: FhirGuard }] })
export class TypedModule {}

isType<FhirGuard extends CanActivate ? true : false>()
isType<FhirException extends HttpException ? true : false>()
export function statusOf(exception: unknown): number | undefined {
  if (exception instanceof FhirException && exception.cause instanceof FhirAuthError) return exception.cause.status
  return exception instanceof FhirException ? exception.answer.status : undefined
}

// What a launch or a system needs is required, though the environment may not have it.
const server = { fhirBaseUrl: maybe, clientId: maybe, scope: 'openid' }
FhirAuthModule.forRoot({ smartLaunch: { ...server, redirectUri: maybe, session: { secret: maybe } } })
FhirAuthModule.forRoot({ backendServices: { ...server, keys: await loadKeySet(maybe) } })
// @ts-expect-error no server, no client id, no redirect URI, no scope
FhirAuthModule.forRoot({ smartLaunch: { session: { secret: maybe } } })
// @ts-expect-error no redirect URI
FhirAuthModule.forRoot({ smartLaunch: { ...server, session: { secret: maybe } } })
// @ts-expect-error nothing at all
FhirAuthModule.forRoot({ backendServices: {} })
// @ts-expect-error neither keys nor clientAuth
FhirAuthModule.forRoot({ backendServices: server })
