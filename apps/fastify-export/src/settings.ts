import { type BackendServices, createBackendServices, loadKeySet } from '@fhir-auth/fastify'

export interface Settings {
  backend: BackendServices
  group: string
}

/** What the app and the command take from the environment. */
export async function loadSettings(env: NodeJS.ProcessEnv): Promise<Settings> {
  const { FHIR_BASE_URL = '', CLIENT_ID, PRIVATE_JWKS, GROUP_ID = 'sandbox-cohort' } = env
  const backend = createBackendServices({
    fhirBaseUrl: FHIR_BASE_URL,
    clientId: CLIENT_ID,
    keys: await loadKeySet(PRIVATE_JWKS),
    scope: 'system/*.rs',
  })
  return { backend, group: GROUP_ID }
}
