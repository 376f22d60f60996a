import { randomBytes } from 'node:crypto'
import { createSandbox } from '@fhir-auth/sandbox'
import { createClinic } from './clinic.ts'

// The app and an EHR on this machine. The EHR grants no laboratory results, so that the guard has something to refuse.

const port = Number(process.env.PORT ?? 3003)
const origin = `http://127.0.0.1:${port}`
const clientSecret = randomBytes(24).toString('base64url')
const scope =
  'launch openid fhirUser online_access patient/Patient.rs patient/Condition.rs patient/MedicationRequest.rs'
const sandbox = await createSandbox({
  clients: [{ clientId: 'clinic', clientSecret, redirectUris: [`${origin}/callback`], scope }],
})
const app = await createClinic({
  origin,
  fhirBaseUrl: sandbox.fhirBaseUrl,
  clientId: 'clinic',
  clientSecret,
  sessionSecret: randomBytes(32).toString('base64url'),
})
await app.listen(port, '127.0.0.1')

console.log(`Open the EHR, and the app from there, in a new tab:
${sandbox.issuer}/ehr?launch_url=${encodeURIComponent(`${origin}/launch`)}
Ctrl-C ends both.`)
process.once('SIGINT', async () => {
  await app.close()
  await sandbox.close()
})
