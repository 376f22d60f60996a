import type { ClientUse, Dialect } from '../dialects/dialect.ts'
import { smart } from '../dialects/smart.ts'
import { checkSecureUrl } from '../http/secure-url.ts'
import { checkKnownOptions, refuseOption, requireText } from '../options.ts'
import type { Client } from './client.ts'
import type { ClientAuth } from './client-auth.ts'

/** Endpoints and facts of a server that win over whatever discovery finds. */
export interface StaticMetadata {
  issuer?: string | undefined
  authorization_endpoint?: string | undefined
  token_endpoint?: string | undefined
  jwks_uri?: string | undefined
  introspection_endpoint?: string | undefined
  revocation_endpoint?: string | undefined
  end_session_endpoint?: string | undefined
  code_challenge_methods_supported?: readonly string[] | undefined
  token_endpoint_auth_signing_alg_values_supported?: readonly string[] | undefined
}

/** The app as registered at one FHIR server. */
export interface Registration {
  /** The FHIR base URL, exactly as registered: it is sent to the letter as `aud`, trailing slash included. */
  fhirBaseUrl: string
  clientId: string | undefined
  /** How the client proves who it is. Default for a launch: `publicClient()`. */
  clientAuth?: ClientAuth | undefined
  /** What this server does otherwise than SMART App Launch 2.2. Default: `smart()`. */
  dialect?: Dialect | undefined
  /** Space-separated scopes to ask for. */
  scope?: string | undefined
  /** Where the server sends the person back, exactly as registered. Launch only. */
  redirectUri?: string | undefined
  metadata?: StaticMetadata | undefined
}

const METADATA_MEMBERS: readonly (keyof StaticMetadata)[] = [
  'issuer',
  'authorization_endpoint',
  'token_endpoint',
  'jwks_uri',
  'introspection_endpoint',
  'revocation_endpoint',
  'end_session_endpoint',
  'code_challenge_methods_supported',
  'token_endpoint_auth_signing_alg_values_supported',
]

export const REGISTRATION_OPTIONS: readonly string[] = [
  'fhirBaseUrl',
  'clientId',
  'clientAuth',
  'dialect',
  'scope',
  'redirectUri',
  'metadata',
]

/**
 * Checks one registration.
 *
 * @throws `invalid_option`, `insecure_url` naming the option and the remedy
 */
export function checkRegistration(
  registration: Registration,
  flow: ClientUse['flow'],
  defaultAuth: () => ClientAuth,
): Client {
  const { dialect = smart(), clientAuth = defaultAuth(), metadata = {} } = registration
  const fhirBaseUrl = requireText(
    registration.fhirBaseUrl,
    'fhirBaseUrl',
    "Write the server's FHIR base URL, e.g. 'https://fhir.example.com/r4'.",
  )
  const base = checkSecureUrl(fhirBaseUrl, 'fhirBaseUrl')
  if (base.search || base.hash) refuseOption('fhirBaseUrl must have no query and no fragment.')
  if (base.username || base.password) refuseOption('fhirBaseUrl must have no user name or password in it.')
  const clientId = requireText(
    registration.clientId,
    'clientId',
    'Set the environment variable that you read it from to the client id given at registration.',
  )
  const scope = requireText(
    registration.scope,
    'scope',
    flow === 'backend'
      ? "Write what the job needs, e.g. 'system/Patient.rs'."
      : "Write what the app needs, e.g. 'openid fhirUser launch/patient patient/*.rs'.",
  )
  if (typeof clientAuth?.authenticate !== 'function') {
    refuseOption(
      'clientAuth must come from clientSecretBasic(), clientSecretPost(), privateKeyJwt() or publicClient().',
    )
  }
  if (typeof dialect?.check !== 'function') {
    refuseOption('dialect must come from smart(), intelichart() or defineDialect().')
  }
  checkKnownOptions(metadata, METADATA_MEMBERS, 'metadata')
  for (const [name, value] of Object.entries(metadata)) {
    if (typeof value === 'string' && name !== 'issuer') checkSecureUrl(value, `metadata.${name}`)
  }
  clientAuth.checkClientId?.(clientId)
  dialect.check({ flow, authMethod: clientAuth.method, scope })
  return Object.freeze({ fhirBaseUrl, clientId, clientAuth, dialect, scope, metadata: Object.freeze({ ...metadata }) })
}
