import { clientSecretBasic, fhirProxy, smartLaunch } from '@fhir-auth/express'
import express, { type Express } from 'express'

export interface PortalConfig {
  /** Where people open the portal, e.g. `https://portal.example.com`. */
  origin: string
  fhirBaseUrl: string
  clientId: string | undefined
  clientSecret: string | undefined
  sessionSecret: string | undefined
  /** The folder with the built page. */
  pageFolder: string
  /** How long a login lasts. Default 8 hours. */
  sessionSeconds?: number
}

/** The server of the page: it logs people in, keeps their tokens, and lets the page ask for what `allow` names. */
export function createPortal(config: PortalConfig): Express {
  const app = express()
  app.disable('x-powered-by')

  app.use(
    smartLaunch({
      fhirBaseUrl: config.fhirBaseUrl,
      clientId: config.clientId,
      clientAuth: clientSecretBasic(config.clientSecret),
      redirectUri: `${config.origin}/callback`,
      scope:
        'openid fhirUser launch launch/patient patient/Patient.r patient/Observation.rs patient/Condition.rs patient/QuestionnaireResponse.cs',
      session: { secret: config.sessionSecret, lifetimeSeconds: config.sessionSeconds },
    }),
  )

  app.use(
    fhirProxy({
      allow: [
        'GET Patient',
        'GET Observation',
        'GET Condition',
        'GET QuestionnaireResponse',
        'POST QuestionnaireResponse',
      ],
      patient: 'enforce',
    }),
  )

  // A logout may go on to the authorization server. If that has an origin of its own, name it here instead.
  const logoutOrigin = new URL(config.fhirBaseUrl).origin
  app.use((_req, res, next) => {
    res.set({
      'content-security-policy': `default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self' ${logoutOrigin}; base-uri 'none'; frame-ancestors 'none'`,
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    })
    next()
  })
  app.use(express.static(config.pageFolder))

  return app
}
