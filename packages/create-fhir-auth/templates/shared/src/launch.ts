// #only login
import { {{launchImports}} } from '@fhir-auth/{{framework}}'
import type { Environment } from './environment.ts'
import type { AppStore } from './memory-store.ts'

/** A person logs in. It serves /login, /launch (for the EHR), /callback and /logout. */
export function createLaunch(env: Environment, store: AppStore) {
  return createSmartLaunch({
    fhirBaseUrl: env.FHIR_BASE_URL,
    dialect: {{launchDialect}},
    clientId: env.CLIENT_ID,
    clientAuth: clientSecretBasic(env.CLIENT_SECRET),
    redirectUri: env.REDIRECT_URI,
    scope: 'openid fhirUser launch/patient patient/Patient.rs patient/Observation.rs offline_access',
    session: { secret: env.SESSION_SECRET, store },
  })
}
