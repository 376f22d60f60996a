// #only login
import { fakeFhir } from '@fhir-auth/nest/testing'
import { expect, test } from 'vitest'
import { RecordController } from '../src/record.controller.ts'

test('counts the vital signs of the patient in context', async () => {
  const fhir = fakeFhir({
    patient: '1',
    scope: 'patient/Observation.rs',
    responses: { 'Observation?patient=1&category=vital-signs': { resourceType: 'Bundle', total: 3 } },
  })
  expect(await new RecordController().vitals(fhir)).toEqual({ patient: '1', total: 3 })
})
