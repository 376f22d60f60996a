import { clientSecretBasic, requireFhir, smartLaunch } from '@fhir-auth/hono'
import { Hono } from 'hono'

export const app = new Hono()
  .use(
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
  .get('/patient', requireFhir({ patient: true }), (c) => c.json({ patient: c.var.fhir.patient }))
