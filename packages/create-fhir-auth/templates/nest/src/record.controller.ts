// #only login
import { Fhir, type FhirContext, RequireFhir } from '@fhir-auth/nest'
import { Controller, Get } from '@nestjs/common'

/** What a person sees of their own record. The guards send who is not logged in to the login. */
@Controller()
export class RecordController {
  @Get('me')
  @RequireFhir({ scope: 'patient/Patient.rs', patient: true })
  me(@Fhir() fhir: FhirContext) {
    return fhir.json(`Patient/${fhir.patient}`)
  }

  @Get('vitals')
  @RequireFhir({ scope: 'patient/Observation.rs', patient: true })
  async vitals(@Fhir() fhir: FhirContext) {
    const { total } = await fhir.json<{ total?: number }>(`Observation?patient=${fhir.patient}&category=vital-signs`)
    return { patient: fhir.patient, total }
  }
}
