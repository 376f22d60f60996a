import { createClinic } from './clinic.ts'

const { FHIR_BASE_URL = '', CLIENT_ID, CLIENT_SECRET, SESSION_SECRET, PORT = '3000' } = process.env
const { ORIGIN = `http://localhost:${PORT}` } = process.env

const app = await createClinic({
  origin: ORIGIN,
  fhirBaseUrl: FHIR_BASE_URL,
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  sessionSecret: SESSION_SECRET,
})
await app.listen(PORT)
console.log(`Launch URL for the EHR: ${ORIGIN}/launch`)
