// #only login
import { fhirOf, requireFhir } from '@fhir-auth/express'
import { Router } from 'express'

/** What a person sees of their own record. The guard sends who is not logged in to the login. */
export const record = Router()

record.get('/me', requireFhir({ scope: 'patient/Patient.rs', patient: true }), async (req, res) => {
  const fhir = fhirOf(req)
  res.json(await fhir.json(`Patient/${fhir.patient}`))
})

record.get('/vitals', requireFhir({ scope: 'patient/Observation.rs', patient: true }), async (req, res) => {
  const fhir = fhirOf(req)
  const { total } = await fhir.json<{ total?: number }>(`Observation?patient=${fhir.patient}&category=vital-signs`)
  res.json({ patient: fhir.patient, total })
})
