import { fileURLToPath } from 'node:url'
import { createPortal } from './portal.ts'

const { FHIR_BASE_URL = '', CLIENT_ID, CLIENT_SECRET, SESSION_SECRET, PORT = '3000' } = process.env
const { ORIGIN = `http://localhost:${PORT}` } = process.env

createPortal({
  origin: ORIGIN,
  fhirBaseUrl: FHIR_BASE_URL,
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  sessionSecret: SESSION_SECRET,
  pageFolder: fileURLToPath(new URL('page', import.meta.url)),
}).listen(Number(PORT), () => console.log(`Portal: ${ORIGIN}`))
