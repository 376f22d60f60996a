import type {
  BackendServices,
  BackendServicesOptions,
  FhirProxy,
  FhirProxyOptions,
  SmartLaunch,
  SmartLaunchOptions,
} from '@fhir-auth/core'
import { type ConfigurableModuleCls, ConfigurableModuleBuilder as ModuleBuilder } from '@nestjs/common'

export interface FhirAuthModuleOptions {
  /** Logs people in: options, or an instance made by `createSmartLaunch`. */
  smartLaunch?: SmartLaunchOptions | SmartLaunch | undefined
  /** Gets tokens for the app itself: options, or an instance made by `createBackendServices`. */
  backendServices?: BackendServicesOptions | BackendServices | undefined
  /**
   * Lets pages read and write FHIR with the token of their session: options, or an instance made by `createFhirProxy`. Nest's body
   * parser leaves `application/fhir+json` alone; for other bodies, create the app with `{ rawBody: true }`.
   */
  fhirProxy?: FhirProxyOptions | FhirProxy | undefined
  /**
   * `answer`: problems (a refused login, a missing scope, …) are answered as problem+json or a plain page.
   * `forward`: each goes to the app's own exception filters, as {@link FhirException}. Default `answer`.
   */
  problems?: 'answer' | 'forward' | undefined
}

export interface FhirAuthModuleExtras {
  /** Makes `SmartLaunch` and `BackendServices` injectable in every module. Default `false`. */
  isGlobal?: boolean | undefined
}

const definition = new ModuleBuilder<FhirAuthModuleOptions>({ moduleName: 'FhirAuth' })
  .setClassMethodName('forRoot')
  .setExtras<FhirAuthModuleExtras>({ isGlobal: false }, (module, { isGlobal = false }) => ({
    ...module,
    global: isGlobal,
  }))
  .build()

export const FHIR_AUTH_OPTIONS: string | symbol = definition.MODULE_OPTIONS_TOKEN

export const ConfigurableFhirAuthModule: ConfigurableModuleCls<
  FhirAuthModuleOptions,
  'forRoot',
  'create',
  FhirAuthModuleExtras
> = definition.ConfigurableModuleClass
