import { requireFhir } from '@fhir-auth/hono'
import { Hono } from 'hono'

export const vitals = new Hono().get(
  '/vitals',
  requireFhir({ scope: 'patient/Observation.rs', patient: true }),
  async (c) => {
    const { fhir } = c.var
    const { total } = await fhir.json<{ total?: number }>(`Observation?patient=${fhir.patient}&category=vital-signs`)
    return c.json({ patient: fhir.patient, total })
  },
)
