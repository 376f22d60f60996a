// #only login
import { fhirOf, requireFhir } from '@fhir-auth/fastify'
import type { FastifyPluginAsync } from 'fastify'

const mayReadPatient = requireFhir({ scope: 'patient/Patient.rs', patient: true })
const mayReadVitals = requireFhir({ scope: 'patient/Observation.rs', patient: true })

/** What a person sees of their own record. The guards send who is not logged in to the login. */
export const record: FastifyPluginAsync = async (app) => {
  app.get('/me', { preHandler: mayReadPatient }, async (request) => {
    const fhir = fhirOf(request)
    return fhir.json(`Patient/${fhir.patient}`)
  })

  app.get('/vitals', { preHandler: mayReadVitals }, async (request) => {
    const fhir = fhirOf(request)
    const { total } = await fhir.json<{ total?: number }>(`Observation?patient=${fhir.patient}&category=vital-signs`)
    return { patient: fhir.patient, total }
  })
}
