import { clientSecretBasic, fhirOf, requireFhir, smartLaunch } from '@fhir-auth/express'
import express from 'express'

export const app = express()
app.use(
  smartLaunch({
    fhirBaseUrl: 'https://fhir.example.com',
    clientId: 'app',
    clientAuth: clientSecretBasic('a secret of the client'),
    redirectUri: 'https://portal.example.com/callback',
    scope: 'openid launch/patient patient/*.rs',
    session: { secret: 'a secret of the session, long enough' },
    metadata: {
      authorization_endpoint: 'https://auth.example.com/authorize',
      token_endpoint: 'https://auth.example.com/token',
    },
  }),
)
app.get('/patient', requireFhir({ patient: true }), (req, res) => {
  res.json({ patient: fhirOf(req).patient })
})
