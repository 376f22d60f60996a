import { fhirOf, requireFhir } from '@fhir-auth/express'
import { Router } from 'express'

export const vitals = Router()

vitals.get('/vitals', requireFhir({ scope: 'patient/Observation.rs', patient: true }), async (req, res) => {
  const fhir = fhirOf(req)
  const { total } = await fhir.json<{ total?: number }>(`Observation?patient=${fhir.patient}&category=vital-signs`)
  res.json({ patient: fhir.patient, total })
})
