import { fakeFhir } from '@fhir-auth/nest/testing'
import { PatientController } from './app.module'

test('a controller reads the patient in context', () => {
  expect(new PatientController().read(fakeFhir({ patient: '1' }))).toEqual({ patient: '1' })
})
