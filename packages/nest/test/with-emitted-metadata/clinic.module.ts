import { Controller, type DynamicModule, Get, Injectable } from '@nestjs/common'
// biome-ignore lint/style/useImportType: as the type of a decorated class's parameter it is a value, the injection token.
import {
  BackendServices,
  type BackendServicesOptions,
  Fhir,
  FhirAuthModule,
  type FhirContext,
  RequireFhir,
} from '../../src/index.ts'

/** As Nest's own starter compiles an app: the types of parameters say what to inject. */
@Injectable()
class Patients {
  readonly #backend: BackendServices

  constructor(backend: BackendServices) {
    this.#backend = backend
  }

  async count(): Promise<number> {
    const { fetch } = await this.#backend.context()
    return ((await (await fetch('Patient?_summary=count')).json()) as { total: number }).total
  }
}

@Controller()
class ClinicController {
  readonly #patients: Patients

  constructor(patients: Patients) {
    this.#patients = patients
  }

  @Get('count')
  @RequireFhir({ scope: 'system/Patient.r', visitor: 'unchecked' })
  async count(@Fhir() fhir: FhirContext): Promise<{ count: number; scope: string }> {
    return { count: await this.#patients.count(), scope: [...fhir.scope].join(' ') }
  }
}

export function clinicModule(backendServices: BackendServicesOptions): DynamicModule {
  return {
    module: class ClinicModule {},
    controllers: [ClinicController],
    providers: [Patients],
    imports: [FhirAuthModule.forRoot({ backendServices })],
  }
}

/** What the compiler wrote down for the constructor's parameters. */
export const emittedTypes: unknown = Reflect.getMetadata('design:paramtypes', ClinicController)
