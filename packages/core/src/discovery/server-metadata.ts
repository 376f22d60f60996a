import { FhirAuthError } from '../errors.ts'
import { checkSecureUrl, shownUrl } from '../http/secure-url.ts'

/** What is known of an authorization server: members as SMART's and OpenID's documents name them. */
export interface ServerMetadata {
  readonly issuer?: string
  readonly authorization_endpoint?: string
  readonly token_endpoint?: string
  readonly jwks_uri?: string
  readonly introspection_endpoint?: string
  readonly revocation_endpoint?: string
  readonly registration_endpoint?: string
  readonly management_endpoint?: string
  readonly end_session_endpoint?: string
  readonly user_access_brand_bundle?: string
  readonly smart_app_state_endpoint?: string
  readonly associated_endpoints?: readonly unknown[]
  readonly capabilities?: readonly string[]
  readonly scopes_supported?: readonly string[]
  readonly grant_types_supported?: readonly string[]
  readonly response_types_supported?: readonly string[]
  readonly code_challenge_methods_supported?: readonly string[]
  readonly token_endpoint_auth_methods_supported?: readonly string[]
  readonly token_endpoint_auth_signing_alg_values_supported?: readonly string[]
  readonly id_token_signing_alg_values_supported?: readonly string[]
  readonly authorization_response_iss_parameter_supported?: boolean
  /** Where it was found, first source first. */
  readonly sources: readonly string[]
  /** The documents as received, with every member this library has no use for. */
  readonly documents: readonly Readonly<Record<string, unknown>>[]
}

export type EndpointName =
  | 'authorization_endpoint'
  | 'token_endpoint'
  | 'jwks_uri'
  | 'introspection_endpoint'
  | 'revocation_endpoint'
  | 'end_session_endpoint'

type Members = Omit<ServerMetadata, 'sources' | 'documents'>

const URL_MEMBERS = [
  'authorization_endpoint',
  'token_endpoint',
  'jwks_uri',
  'introspection_endpoint',
  'revocation_endpoint',
  'registration_endpoint',
  'management_endpoint',
  'end_session_endpoint',
  'user_access_brand_bundle',
  'smart_app_state_endpoint',
] as const

const LIST_MEMBERS = [
  'capabilities',
  'scopes_supported',
  'grant_types_supported',
  'response_types_supported',
  'code_challenge_methods_supported',
  'token_endpoint_auth_methods_supported',
  'token_endpoint_auth_signing_alg_values_supported',
  'id_token_signing_alg_values_supported',
] as const

/** Endpoints to which codes, secrets, tokens or a person are sent: https without exception. */
const SECRET_ENDPOINTS = new Set<string>([
  'authorization_endpoint',
  'token_endpoint',
  'jwks_uri',
  'introspection_endpoint',
  'revocation_endpoint',
  'end_session_endpoint',
])

/**
 * The members this library knows of a discovery document, with relative URLs made absolute. Missing or mistyped
 * optional members are left out: real servers lack some that SMART requires.
 *
 * @param base - what relative URLs are relative to, as a directory: the FHIR base URL
 * @throws `insecure_url` for an endpoint that is not https
 */
export function readMembers(document: Readonly<Record<string, unknown>>, base: string): Members {
  const members: Record<string, unknown> = {}
  const directory = base.endsWith('/') ? base : `${base}/`
  for (const name of URL_MEMBERS) {
    const value = document[name]
    if (typeof value !== 'string' || value === '') continue
    if (!URL.canParse(value, directory)) continue
    // An absolute URL stays as written: servers compare `aud` and endpoints to the letter.
    const url = URL.canParse(value) ? value : new URL(value, directory).href
    if (SECRET_ENDPOINTS.has(name)) checkSecureUrl(url, name)
    members[name] = url
  }
  for (const name of LIST_MEMBERS) {
    const value = document[name]
    if (Array.isArray(value)) members[name] = value.filter((item) => typeof item === 'string')
  }
  // athenahealth publishes the list under this name.
  const strayMethods = document.token_endpoint_auth_methods
  if (!members.token_endpoint_auth_methods_supported && Array.isArray(strayMethods)) {
    members.token_endpoint_auth_methods_supported = strayMethods.filter((item) => typeof item === 'string')
  }
  if (typeof document.issuer === 'string') members.issuer = document.issuer
  if (Array.isArray(document.associated_endpoints)) members.associated_endpoints = document.associated_endpoints
  if (typeof document.authorization_response_iss_parameter_supported === 'boolean') {
    members.authorization_response_iss_parameter_supported = document.authorization_response_iss_parameter_supported
  }
  return members as Members
}

/**
 * An endpoint that a flow cannot do without.
 *
 * @throws `missing_endpoint` naming the documents that lack it
 */
export function requireEndpoint(metadata: ServerMetadata, name: EndpointName): string {
  const url = metadata[name]
  if (url !== undefined) return url
  throw new FhirAuthError(
    'missing_endpoint',
    `The server publishes no ${name} (read: ${metadata.sources.map(shownUrl).join(', ')}). Set metadata.${name} if the vendor's manual names one.`,
  )
}
