import { FhirAuthError } from '../errors.ts'
import { type Network, networkOf } from '../http/network.ts'
import { shownUrl } from '../http/secure-url.ts'
import { readBoolean } from '../shared/read-boolean.ts'

/** What is known of an authorization server, under the names of SMART's and OpenID's documents. */
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
  /** An issuer that the server names but that is not confirmed. It is not used. */
  readonly unboundIssuer?: string
  /** Where the members come from, the first source first. */
  readonly sources: readonly string[]
  /** The documents as received, with all their members. */
  readonly documents: readonly Readonly<Record<string, unknown>>[]
}

export type EndpointName =
  | 'authorization_endpoint'
  | 'token_endpoint'
  | 'jwks_uri'
  | 'introspection_endpoint'
  | 'revocation_endpoint'
  | 'end_session_endpoint'

export type Members = Omit<ServerMetadata, 'sources' | 'documents' | 'unboundIssuer'>

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

/** Endpoints to which codes, secrets, tokens or a person are sent. They must be https. */
const SECRET_ENDPOINTS = new Set<string>([
  'authorization_endpoint',
  'token_endpoint',
  'jwks_uri',
  'introspection_endpoint',
  'revocation_endpoint',
  'end_session_endpoint',
])

/** A URL that is safe in a header as it is. Others are normalised by the URL parser. */
const PLAIN_URL = /^[\x21-\x7e]+$/

/** From far to near. A server may name only hosts in its own network or in a farther one. */
const NEARNESS: readonly Network[] = ['public', 'private', 'loopback']

/** Which endpoints a server may name. */
export interface EndpointRules {
  /** The nearest network that they may be in. */
  readonly nearest: Network
  /** Whether plain http on this machine is allowed. */
  readonly allowsHttp: boolean
}

/** A public server must not direct the app's requests to a private network, and only a server on this machine to this machine. */
export function allowedEndpoints(target: {
  readonly fhirBaseUrl: string
  readonly allowPrivateNetwork?: boolean | undefined
}): EndpointRules {
  const network = URL.canParse(target.fhirBaseUrl) ? networkOf(new URL(target.fhirBaseUrl).hostname) : 'public'
  return { nearest: target.allowPrivateNetwork ? 'loopback' : network, allowsHttp: network === 'loopback' }
}

/** @throws `insecure_url` */
export function checkEndpoint({ protocol, hostname, href }: URL, name: string, rules: EndpointRules): void {
  const network = networkOf(hostname)
  const isSecure = protocol === 'https:' || (protocol === 'http:' && network === 'loopback' && rules.allowsHttp)
  if (!isSecure) {
    throw new FhirAuthError(
      'insecure_url',
      `${name} must be https (http only on localhost, for a FHIR server on localhost), but is ${shownUrl(href)}. Nothing was sent.`,
    )
  }
  if (NEARNESS.indexOf(network) <= NEARNESS.indexOf(rules.nearest)) return
  throw new FhirAuthError(
    'insecure_url',
    `${name} is in a private network (${shownUrl(href)}), and the FHIR server is not. Nothing was sent. Set allowPrivateNetwork: true in the registration, if that is right.`,
  )
}

/**
 * Reads the known members of a discovery document, and makes relative URLs absolute. Members with a wrong type are left out,
 * and none is required here, because real servers lack some that SMART requires.
 *
 * @param base - the base of relative URLs, as a directory: the FHIR base URL
 * @throws `insecure_url` for an endpoint that is not https, or that is in a private network of this app
 */
export function readMembers(
  document: Readonly<Record<string, unknown>>,
  base: string,
  rules: EndpointRules = allowedEndpoints({ fhirBaseUrl: base }),
): Members {
  const members: Record<string, unknown> = {}
  const directory = base.endsWith('/') ? base : `${base}/`
  for (const name of URL_MEMBERS) {
    const value = document[name]
    if (typeof value !== 'string' || value === '') continue
    if (!URL.canParse(value, directory)) continue
    const parsed = new URL(value, directory)
    if (SECRET_ENDPOINTS.has(name)) checkEndpoint(parsed, name, rules)
    // Keep an absolute URL exactly as written, because servers compare `aud` and endpoints character by character.
    members[name] = URL.canParse(value) && PLAIN_URL.test(value) ? value : parsed.href
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
  const issInResponse = readBoolean(document.authorization_response_iss_parameter_supported)
  if (issInResponse !== undefined) members.authorization_response_iss_parameter_supported = issInResponse
  return members as Members
}

/**
 * An endpoint that a flow needs.
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
