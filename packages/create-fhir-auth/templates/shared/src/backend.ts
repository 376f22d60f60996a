// #only backend
import { {{backendImports}} } from '@fhir-auth/{{framework}}'
import type { Environment } from './environment.ts'
import type { AppStore } from './memory-store.ts'

/** The app itself gets a token, signed with its own key. It serves the public key at /.well-known/jwks.json. */
export async function createBackend(env: Environment, store: AppStore) {
  return createBackendServices({
    fhirBaseUrl: env.FHIR_BASE_URL,
    dialect: {{backendDialect}},
    clientId: env.JOB_CLIENT_ID,
    keys: await loadKeySet(env.PRIVATE_JWKS),
    scope: 'system/Patient.rs',
    // Processes that share the store share one token.
    sharedTokens: { store, secret: env.SESSION_SECRET },
  })
}
