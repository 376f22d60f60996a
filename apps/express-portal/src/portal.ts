import { clientSecretBasic, fhirErrors, fhirOf, intelichart, requireFhir, smartLaunch } from '@fhir-auth/express'
import express, { type Express } from 'express'
import { readChart, readVitals } from './fhir.ts'
import { chartPage, welcomePage } from './pages.ts'

export interface PortalConfig {
  /** Where patients open the portal, e.g. `https://portal.example.com`. */
  origin: string
  fhirBaseUrl: string
  clientId: string | undefined
  clientSecret: string | undefined
  sessionSecret: string | undefined
}

/** The portal as an Express app. Patients log in at InteliChart and see their own record. */
export function createPortal(config: PortalConfig): Express {
  const app = express()
  app.disable('x-powered-by')

  app.use(
    smartLaunch({
      fhirBaseUrl: config.fhirBaseUrl,
      dialect: intelichart(),
      clientId: config.clientId,
      clientAuth: clientSecretBasic(config.clientSecret),
      redirectUri: `${config.origin}/callback`,
      scope: 'openid fhirUser launch/patient patient/*.rs offline_access',
      session: { secret: config.sessionSecret },
    }),
  )

  app.get('/', (req, res) => {
    if (req.fhir) res.redirect('/chart')
    else res.send(welcomePage())
  })

  app.get('/chart', requireFhir({ scope: 'patient/*.rs', patient: true }), async (req, res) => {
    res.send(chartPage(await readChart(fhirOf(req))))
  })

  app.get('/api/vitals', requireFhir({ scope: 'patient/Observation.rs', patient: true }), async (req, res) => {
    res.json(await readVitals(fhirOf(req)))
  })

  /** The context of the login, never the token itself. */
  app.get('/api/session', requireFhir(), (req, res) => {
    const { patient, fhirUser, scope, expiresAt } = fhirOf(req)
    res.json({ patient, fhirUser, scope, expiresAt: new Date(expiresAt) })
  })

  app.use(fhirErrors())
  return app
}
