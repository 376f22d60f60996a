import type { FhirAuthError } from '@fhir-auth/core'
import { networkFaultOf } from '../network-fault.ts'
import type { Exchange } from '../recording-fetch.ts'
import { type Advice, remediesOf } from './advice.ts'
import { TOKEN_ADVICE } from './token-table.ts'
import { vendorDialectOf } from './vendor-hosts.ts'

/** What is known of a request that failed. */
export interface FailedRequest {
  readonly error: FhirAuthError
  readonly authMethod: string
  readonly fhirBaseUrl: string
  readonly clientId: string
  readonly scope: string
  /** The name of the dialect in use. */
  readonly dialect: string
  readonly jwksUrl: string | undefined
  readonly kid: string | undefined
  readonly alg: string | undefined
  /** Algorithms of assertions that the server lists. */
  readonly acceptedAlgorithms?: readonly string[] | undefined
  /** The request and its answer; undefined when nothing was sent. */
  readonly exchange: Exchange | undefined
  /** How far this machine's clock is ahead of the server's, in seconds. */
  readonly clockAheadSeconds: number | undefined
}

/** Servers allow a minute or so. */
const MAX_CLOCK_DIFFERENCE_SECONDS = 30

/** With others the server has understood the request. */
const VENDOR_ERRORS = ['invalid_client', 'invalid_grant', 'invalid_request']

/** What to check, the likeliest first. */
export function adviceFor(failed: FailedRequest): string[] {
  const status = failed.exchange?.answer?.status
  const fault = failed.error.error === undefined ? networkFaultOf(failed.error, failed.exchange) : undefined
  const advice = fault ? adviceByStatus(status) : [...hints(failed), ...adviceByError(failed, status)]
  const own = advice.flatMap((one) => remediesOf(one, valuesOf(failed)))
  return fault ? [fault.remedy, ...own] : own
}

/** What follows from more than the error's code, and so is likelier. */
function hints(failed: FailedRequest): Advice[] {
  const { error, dialect, fhirBaseUrl, authMethod, clockAheadSeconds = 0 } = failed
  const found: Advice[] = []
  if (authMethod === 'private_key_jwt' && Math.abs(clockAheadSeconds) > MAX_CLOCK_DIFFERENCE_SECONDS) {
    found.push(TOKEN_ADVICE.clock)
  }
  if (dialect !== 'smart' || error.error === undefined) return found
  if (/jwks_url\b|accessTokensExpireIn/i.test(error.error_description ?? '')) found.push(TOKEN_ADVICE.jwksUrlClaim)
  else if (VENDOR_ERRORS.includes(error.error) && vendorDialectOf(fhirBaseUrl)) found.push(TOKEN_ADVICE.vendorHost)
  return found
}

function adviceByError({ error, authMethod, exchange }: FailedRequest, status: number | undefined): Advice[] {
  const hasKeys = authMethod === 'private_key_jwt'
  switch (error.error ?? error.code) {
    case 'invalid_client':
    case 'invalid_grant':
      return [hasKeys ? TOKEN_ADVICE.invalidClientKeys : TOKEN_ADVICE.invalidClientSecret]
    case 'unauthorized_client':
      return [TOKEN_ADVICE.unauthorizedClient]
    case 'invalid_scope':
      return [TOKEN_ADVICE.invalidScope]
    case 'unsupported_grant_type':
      return [TOKEN_ADVICE.unsupportedGrant]
    case 'invalid_request':
      return [hasKeys ? TOKEN_ADVICE.invalidRequestKeys : TOKEN_ADVICE.invalidRequestSecret]
    case 'temporarily_unavailable':
    case 'server_error':
      return [TOKEN_ADVICE.serverError]
    case 'discovery_failed':
    case 'missing_endpoint':
      return [TOKEN_ADVICE.discoveryFailed]
    case 'invalid_key':
      return exchange === undefined ? [TOKEN_ADVICE.wrongAlgorithm] : []
    case 'invalid_token_response':
      return [TOKEN_ADVICE.invalidTokenResponse]
    default:
      return error.error === undefined ? adviceByStatus(status) : [TOKEN_ADVICE.otherOauthError]
  }
}

function adviceByStatus(status: number | undefined): Advice[] {
  if (status === undefined) return []
  if (status === 429) return [TOKEN_ADVICE.tooManyRequests]
  if (status >= 500) return [TOKEN_ADVICE.brokenServer]
  if (status === 404 || status === 405) return [TOKEN_ADVICE.noTokenEndpoint]
  if (status === 401 || status === 403) return [TOKEN_ADVICE.gateway]
  return [TOKEN_ADVICE.otherStatus]
}

function valuesOf(failed: FailedRequest): Record<string, string> {
  const { clientId, scope, jwksUrl, kid, alg, fhirBaseUrl, acceptedAlgorithms, clockAheadSeconds: ahead = 0 } = failed
  return {
    clientId,
    scope,
    fhirBaseUrl,
    jwksUrl: jwksUrl ?? 'URL',
    kid: kid ?? 'of your app',
    alg: alg ?? "your key's algorithm",
    clock: `${Math.abs(ahead)} s ${ahead > 0 ? 'ahead of' : 'behind'}`,
    vendor: vendorDialectOf(fhirBaseUrl) ?? 'NAME',
    accepted: generatedAlgorithmFor(acceptedAlgorithms),
  }
}

/** The algorithm of `fhir-auth keygen` that a server takes. */
export function generatedAlgorithmFor(accepted: readonly string[] | undefined): string {
  return ['ES384', 'RS384', 'RS256'].find((alg) => accepted?.includes(alg)) ?? 'RS384'
}
