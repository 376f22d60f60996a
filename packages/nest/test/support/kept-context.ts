import { Controller, Get, Res } from '@nestjs/common'
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

  @Get('half-sent')
  async halfSent(@Res() response: { write(text: string): void }) {
    response.write('half')
    await this.#kept?.fetch('Patient')
  }
}
