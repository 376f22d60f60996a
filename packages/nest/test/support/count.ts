import { Controller, type DynamicModule, Get, Inject, Injectable } from '@nestjs/common'
import { BackendServices, Fhir, type FhirContext, RequireFhir } from '../../src/index.ts'

@Injectable()
class PatientCount {
  readonly #backend: BackendServices

  constructor(@Inject(BackendServices) backend: BackendServices) {
    this.#backend = backend
  }

  async scope(): Promise<string> {
    return [...(await this.#backend.context()).scope].join(' ')
  }
}

@Controller('count')
class CountController {
  readonly #count: PatientCount

  constructor(@Inject(PatientCount) count: PatientCount) {
    this.#count = count
  }

  @Get()
  async scope() {
    return { scope: await this.#count.scope() }
  }

  @Get('guarded')
  @RequireFhir({ scope: 'system/Patient.rs', visitor: 'unchecked' })
  guarded(@Fhir() fhir: FhirContext) {
    return { scope: [...fhir.scope].join(' ') }
  }
}
/** Needs `BackendServices` from a module that it does not import. */
export const CountModule: DynamicModule = {
  module: class CountModule {},
  controllers: [CountController],
  providers: [PatientCount],
}
