import type { LaunchClient } from '../../src/client/client.ts'
import type { ServerMetadata } from '../../src/discovery/server-metadata.ts'
import { registeredClient } from './registered-client.ts'

/** A client that people log in through, for rules that need no network. */
export function launchClient(overrides: Partial<LaunchClient> = {}): LaunchClient {
  const { redirectUri = 'https://portal.example/callback', ...registration } = overrides
  const defaults = {
    fhirBaseUrl: 'https://ehr.example/fhir/r4',
    clientId: 'portal',
    scope: 'openid fhirUser launch/patient patient/*.rs',
  }
  return { ...registeredClient({ ...defaults, ...registration }), redirectUri }
}

export function serverMetadata(overrides: Partial<ServerMetadata> = {}): ServerMetadata {
  return {
    issuer: 'https://auth.example',
    authorization_endpoint: 'https://auth.example/authorize',
    token_endpoint: 'https://auth.example/token',
    code_challenge_methods_supported: ['S256'],
    sources: [],
    documents: [],
    ...overrides,
  }
}
