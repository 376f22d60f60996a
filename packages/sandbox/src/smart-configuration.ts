import { type Answer, jsonAnswer } from './answer.ts'
import { advertisedScopes, clientAuthSigningAlgorithms } from './authorization-server.ts'
import type { SandboxState } from './sandbox-state.ts'

const smartCapabilities = [
  'launch-ehr',
  'launch-standalone',
  'authorize-post',
  'client-public',
  'client-confidential-symmetric',
  'client-confidential-asymmetric',
  'sso-openid-connect',
  'context-banner',
  'context-style',
  'context-ehr-patient',
  'context-ehr-encounter',
  'context-standalone-patient',
  'context-standalone-encounter',
  'permission-offline',
  'permission-online',
  'permission-patient',
  'permission-user',
  'permission-v1',
  'permission-v2',
]

/** The discovery document at the FHIR base (SMART App Launch 2.2 "Using .well-known/smart-configuration"). */
export function smartConfigurationAnswer({ issuer, tokenEndpoint }: SandboxState): Answer {
  return jsonAnswer(
    200,
    {
      issuer,
      jwks_uri: `${issuer}/jwks`,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: tokenEndpoint,
      introspection_endpoint: `${issuer}/introspect`,
      revocation_endpoint: `${issuer}/revoke`,
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
      token_endpoint_auth_signing_alg_values_supported: clientAuthSigningAlgorithms,
      grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
      response_types_supported: ['code'],
      scopes_supported: advertisedScopes,
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      capabilities: smartCapabilities,
    },
    { 'cache-control': 'public, max-age=60', 'access-control-allow-origin': '*' },
  )
}
