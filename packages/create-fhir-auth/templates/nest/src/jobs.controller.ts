// #only backend
import { BackendServices } from '@fhir-auth/nest'
import { Controller, Get, Inject, UseGuards } from '@nestjs/common'
import { StaffGuard } from './staff.guard.ts'

/** What your staff does with the app's own token. Nobody else gets past the guard. */
@Controller('jobs')
@UseGuards(StaffGuard)
export class JobsController {
  readonly #backend: Pick<BackendServices, 'context'>

  constructor(@Inject(BackendServices) backend: Pick<BackendServices, 'context'>) {
    this.#backend = backend
  }

  @Get('patients')
  async patients() {
    const fhir = await this.#backend.context()
    return fhir.json('Patient?_count=10')
  }
}
