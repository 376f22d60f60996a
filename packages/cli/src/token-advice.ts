import type { FhirAuthError } from '@fhir-auth/core'
import { networkFaultOf } from './network-fault.ts'
import type { Exchange } from './recording-fetch.ts'

/** What is known of a request that failed. */
export interface FailedRequest {
  readonly error: FhirAuthError
  readonly authMethod: string
  readonly clientId: string
  readonly scope: string
  readonly jwksUrl: string | undefined
  readonly kid: string | undefined
  readonly alg: string | undefined
  /** The request and its answer; undefined when nothing was sent. */
  readonly exchange: Exchange | undefined
  /** How far this machine's clock is ahead of the server's, in seconds. */
  readonly clockAheadSeconds: number | undefined
}

/** Servers allow a minute or so. */
const MAX_CLOCK_DIFFERENCE_SECONDS = 30

/** What to check, the likeliest first. */
export function adviceFor(failed: FailedRequest): string[] {
  const { error } = failed
  const status = failed.exchange?.answer?.status
  if (error.error !== undefined) return [...clockAdvice(failed), ...adviceByOauthError(error.error, failed)]
  const fault = networkFaultOf(error, failed.exchange)
  if (fault) return [fault.remedy, ...adviceByStatus(status)]
  switch (error.code) {
    case 'discovery_failed':
    case 'missing_endpoint':
      return [
        'Check the FHIR base URL: fhir-auth discover URL shows each source.',
        'Set --token-endpoint, or "tokenEndpoint" in the file, if the manual names one.',
      ]
    case 'invalid_key':
      return ['Make a key of an algorithm that the server accepts, fhir-auth keygen --alg RS384, and register it.']
    case 'invalid_token_response':
      return [
        'Check that the URL is the token endpoint, and no gateway before it.',
        'Some vendors leave out token_type: use the vendor’s dialect, --dialect NAME, or the rule token.assumeBearer in your app.',
        "Some gateways write another word for Bearer: name it in your app's dialect, token: { acceptedTypes: ['BearerToken'] }.",
      ]
    default:
      return [...clockAdvice(failed), ...adviceByStatus(status)]
  }
}

function clockAdvice({ authMethod, clockAheadSeconds: ahead = 0 }: FailedRequest): string[] {
  if (authMethod !== 'private_key_jwt' || Math.abs(ahead) <= MAX_CLOCK_DIFFERENCE_SECONDS) return []
  const way = ahead > 0 ? 'ahead of' : 'behind'
  return [`This machine's clock is ${Math.abs(ahead)} s ${way} the server's: set it, as assertions live for minutes.`]
}

function adviceByOauthError(error: string, failed: FailedRequest): string[] {
  const { clientId, scope, authMethod } = failed
  const ids = `Check that the client id ${clientId} is of this environment: test and production have their own.`
  switch (error) {
    case 'invalid_client':
    case 'invalid_grant':
      return authMethod === 'private_key_jwt' ? assertionAdvice(failed, ids) : secretAdvice(ids)
    case 'unauthorized_client':
      return [
        'The credentials are right. Ask the vendor to enable client_credentials ("backend", "system") for this client.',
        'Check that the app is activated for this customer, and not only registered.',
        ids,
      ]
    case 'invalid_scope':
      return [
        `Ask only for what is registered: ${scope}`,
        'Backend services use system/ scopes. patient/, user/, launch and offline_access belong to a login.',
        'Older servers know system/Patient.read in place of system/Patient.rs.',
      ]
    case 'unsupported_grant_type':
      return ['The server has no client_credentials at this endpoint: fhir-auth discover URL lists its grants.']
    case 'invalid_request':
      return [
        'Read the description above: it names the parameter.',
        'Some vendors want parameters of their own: use the vendor’s dialect, --dialect NAME.',
        ...(authMethod === 'private_key_jwt' ? assertionAdvice(failed, ids) : secretAdvice(ids)),
      ]
    case 'temporarily_unavailable':
    case 'server_error':
      return ['The fault is the server’s: try again later, and give its operator the time of this request.']
    default:
      return ['Read the description above, and look the error up in the vendor’s manual.', ids]
  }
}

function assertionAdvice({ jwksUrl, kid, alg }: FailedRequest, ids: string): string[] {
  const check = jwksUrl === undefined ? 'fhir-auth jwks --check URL' : `fhir-auth jwks --check ${jwksUrl}`
  return [
    `The server must find the key ${kid} in the JWKS that is registered, by a URL it can reach: ${check}`,
    'Registered URL and hosted URL must be the same to the letter, and answer without a redirect.',
    'A new registration takes effect late at some vendors, up to an hour or more.',
    ids,
    'Check that this client is registered with a JWKS, and not with a secret.',
    'aud must be what the server expects: compare the claim above with the token endpoint in its manual.',
    `The server must accept ${alg}: fhir-auth discover URL lists its algorithms.`,
    'The server may hold an older copy of your JWKS: wait until its max-age has passed.',
  ]
}

function secretAdvice(ids: string): string[] {
  return [
    'Check the secret: it may be of another environment, expired, or end with a line break.',
    ids,
    'Check how the server wants it: in the Authorization header, which was used here, or in the body.',
    'Check whether this client is registered for keys instead: then set a private JWK Set.',
  ]
}

function adviceByStatus(status: number | undefined): string[] {
  if (status === undefined) return []
  if (status === 429) return ['Too many requests: wait as long as Retry-After says, and keep tokens until they expire.']
  if (status >= 500) return ['The fault is the server’s, or of a proxy before it: try again later.']
  if (status === 404 || status === 405) return ['There is no token endpoint at this URL: fhir-auth discover URL.']
  if (status === 401 || status === 403) {
    return [
      'A gateway may have refused the request before the authorization server saw it: ask whether yours is an allowed address.',
      'Check that the URL is the token endpoint: fhir-auth discover URL.',
    ]
  }
  return ['Check that the URL is the token endpoint: fhir-auth discover URL.']
}
