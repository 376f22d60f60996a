import { fhirOf, requireFhir } from '@fhir-auth/fastify'

/** @type {import('fastify').FastifyPluginAsync} */
export const vitals = async (app) => {
  const preHandler = requireFhir({ scope: 'patient/Observation.rs', patient: true })
  app.get('/vitals', { preHandler }, async (request) => {
    const fhir = fhirOf(request)
    const { total } = await fhir.json(`Observation?patient=${fhir.patient}&category=vital-signs`)
    return { patient: fhir.patient, total }
  })
}
