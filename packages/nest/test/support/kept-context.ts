import { Controller, Get } from '@nestjs/common'
import { Fhir, type FhirContext } from '../../src/index.ts'

/** Reads FHIR by the context of whoever came first, long after they have left. */
@Controller()
export class KeptContextController {
  #kept: FhirContext | undefined

  @Get('kept')
  async read(@Fhir() fhir: FhirContext | undefined) {
    this.#kept ??= fhir
    return { status: (await this.#kept?.fetch('Patient'))?.status }
  }

  @Get('elsewhere')
  elsewhere() {
    return this.#kept?.fetch('https://elsewhere.example/Patient')
  }
}
