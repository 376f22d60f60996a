import { Fhir, type FhirContext, RequireFhir, RequireScopes } from '@fhir-auth/nest'
import { applyDecorators, Controller, Get, Header, Inject, UseFilters } from '@nestjs/common'
import { ChartService } from './chart.service.ts'
import { laboratoryPage, medicationsPage, summaryPage } from './pages.ts'
import { ProblemFilter } from './problem.filter.ts'

/** A page that no cache keeps. */
const Page = (path?: string) =>
  applyDecorators(Get(path), Header('content-type', 'text/html; charset=utf-8'), Header('cache-control', 'no-store'))

/** The patient of the launch that the request belongs to: core finds it by `launch_id`, and refuses to guess. */
@Controller('patient')
@RequireFhir({ patient: true })
@UseFilters(ProblemFilter)
export class ChartController {
  readonly #chart: ChartService

  constructor(@Inject(ChartService) chart: ChartService) {
    this.#chart = chart
  }

  @Page()
  @RequireScopes('patient/Patient.rs', 'patient/Condition.rs')
  async summary(@Fhir() fhir: FhirContext): Promise<string> {
    const [patient, conditions] = await Promise.all([this.#chart.patient(fhir), this.#chart.conditions(fhir)])
    return summaryPage(fhir, patient, conditions)
  }

  @Page('medications')
  @RequireScopes('patient/Patient.rs', 'patient/MedicationRequest.rs')
  async medications(@Fhir() fhir: FhirContext): Promise<string> {
    const [patient, medications] = await Promise.all([this.#chart.patient(fhir), this.#chart.medications(fhir)])
    return medicationsPage(fhir, patient, medications)
  }

  @Page('laboratory')
  @RequireScopes('patient/Patient.rs', 'patient/Observation.rs')
  async laboratory(@Fhir() fhir: FhirContext): Promise<string> {
    const [patient, results] = await Promise.all([this.#chart.patient(fhir), this.#chart.laboratory(fhir)])
    return laboratoryPage(fhir, patient, results)
  }
}
