import { generateKeyPairSync } from 'node:crypto'
import { backendServices, fhirErrors, fhirOf, intelichart, loadKeySet, requireFhir } from '@fhir-auth/express'
import express, { type Express } from 'express'

export interface JobConfig {
  origin: string
  fhirBaseUrl: string
  clientId: string
}

/** A system that reads patients without a person. It serves its public keys, and signs each token request. */
export async function createJob({ origin, fhirBaseUrl, clientId }: JobConfig): Promise<Express> {
  // Made anew for each demo. A real system loads its key from the environment: see docs/intelichart.md.
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const app = express()
  app.use(
    backendServices({
      fhirBaseUrl,
      dialect: intelichart({ jwksUrl: `${origin}/.well-known/jwks.json` }),
      clientId,
      keys: await loadKeySet(privateKey.export({ type: 'pkcs8', format: 'pem' })),
      scope: 'system/Patient.rs system/Group.rs',
    }),
  )
  // The token is the app's own and says nothing about who asks. A real app checks that before this guard.
  app.get('/patients', requireFhir({ scope: 'system/Patient.rs', visitor: 'unchecked' }), async (req, res) => {
    res.json(await fhirOf(req).json('Patient?_count=3'))
  })
  app.use(fhirErrors())
  return app
}
