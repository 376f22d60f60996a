import { type FhirContext, FhirRequestError } from '@fhir-auth/nest'
import { BadGatewayException, Injectable, UnauthorizedException } from '@nestjs/common'
import type { Bundle, Condition, FhirResource, MedicationRequest, Observation, Patient } from 'fhir/r4.js'

/** Reads the chart of the patient in context, always with the token of the request's own launch. */
@Injectable()
export class ChartService {
  async patient(fhir: FhirContext): Promise<Patient> {
    return read(fhir, `Patient/${fhir.patient}`)
  }

  async conditions(fhir: FhirContext): Promise<Condition[]> {
    return search(fhir, `Condition?patient=${fhir.patient}`)
  }

  async medications(fhir: FhirContext): Promise<MedicationRequest[]> {
    return search(fhir, `MedicationRequest?patient=${fhir.patient}`)
  }

  /** The newest results. */
  async laboratory(fhir: FhirContext): Promise<Observation[]> {
    return search(fhir, `Observation?patient=${fhir.patient}&category=laboratory&_sort=-date&_count=20`)
  }
}

async function search<T extends FhirResource>(fhir: FhirContext, query: string): Promise<T[]> {
  const { entry = [] } = await read<Bundle<T>>(fhir, query)
  return entry.flatMap(({ resource }) => (resource ? [resource] : []))
}

async function read<T>(fhir: FhirContext, url: string): Promise<T> {
  try {
    return await fhir.json<T>(url)
  } catch (error) {
    if (!(error instanceof FhirRequestError)) throw error
    // A new token was tried already: this login is over.
    if (error.status === 401) throw new UnauthorizedException('The EHR has ended your session. Open the app again.')
    throw new BadGatewayException(`The EHR answered ${error.serverStatus} for ${url.split('?')[0]}.`)
  }
}
