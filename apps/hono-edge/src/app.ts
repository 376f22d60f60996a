import { clientSecretBasic, fhirErrors, requireFhir, smartLaunch } from '@fhir-auth/hono'
import { Hono } from 'hono'
import { accountPage, vitalsPage, welcomePage } from './pages.ts'
import { readVitals } from './vitals.ts'

/** Settings by the names that they have in the environment, whichever runtime reads it. */
export interface PortalSettings {
  /** Where patients open the portal, e.g. `https://portal.example.com`. */
  ORIGIN: string
  FHIR_BASE_URL: string
  CLIENT_ID: string
  CLIENT_SECRET: string
  SESSION_SECRET: string
}

/** The portal uses only web standards, so the same app runs on Node, Bun, Deno and workerd. */
export function createPortal(settings: Partial<PortalSettings>) {
  const { ORIGIN = '', FHIR_BASE_URL = '', CLIENT_ID, CLIENT_SECRET, SESSION_SECRET } = settings
  return new Hono()
    .onError(fhirErrors())
    .use(
      smartLaunch({
        fhirBaseUrl: FHIR_BASE_URL,
        clientId: CLIENT_ID,
        clientAuth: clientSecretBasic(CLIENT_SECRET),
        redirectUri: `${ORIGIN}/callback`,
        scope: 'openid fhirUser launch/patient patient/Patient.rs patient/Observation.rs offline_access',
        session: { secret: SESSION_SECRET },
        paths: { home: '/account' },
      }),
    )
    .get('/', (c) => (c.var.fhir ? c.redirect('/account') : c.html(welcomePage())))
    .get('/account', requireFhir({ patient: true }), (c) => c.html(accountPage(c.var.fhir)))
    .get('/vitals', requireFhir({ scope: 'patient/Observation.rs', patient: true }), async (c) =>
      c.html(vitalsPage(await readVitals(c.var.fhir))),
    )
    .get('/api/vitals', requireFhir({ scope: 'patient/Observation.rs', patient: true }), async (c) =>
      c.json(await readVitals(c.var.fhir)),
    )
}
