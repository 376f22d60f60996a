// #only login
import { requireFhir } from '@fhir-auth/hono'
import { Hono } from 'hono'

/** What a person sees of their own record. The guards send who is not logged in to the login. */
export const record = new Hono()
  .get('/me', requireFhir({ scope: 'patient/Patient.rs', patient: true }), async (c) => {
    const { fhir } = c.var
    return c.json(await fhir.json<object>(`Patient/${fhir.patient}`))
  })
  .get('/vitals', requireFhir({ scope: 'patient/Observation.rs', patient: true }), async (c) => {
    const { fhir } = c.var
    const { total } = await fhir.json<{ total?: number }>(`Observation?patient=${fhir.patient}&category=vital-signs`)
    return c.json({ patient: fhir.patient, total })
  })
