import { readBasic } from './basic-header.ts'
import { decodeJwt } from './client-assertion-rules.ts'
import type { RecordedRequest } from './request-record.ts'
import type { SandboxClient } from './sandbox-options.ts'

export interface Violation {
  status: 400 | 401
  error: 'invalid_request' | 'invalid_client'
  reason: string
}

const invalidRequest = (reason: string): Violation => ({ status: 400, error: 'invalid_request', reason })
const invalidClient = (reason: string): Violation => ({ status: 401, error: 'invalid_client', reason })

/**
 * The first deviation of a token request from InteliChart's "Authorization Registration" page and from SMART, or
 * undefined. The authorization server itself checks code, signature and jti.
 */
export function inteliChartViolation(
  { headers, form }: RecordedRequest,
  client: SandboxClient | undefined,
  fhirBaseUrl: string,
): Violation | undefined {
  switch (form.get('grant_type')) {
    case 'authorization_code': {
      const keys = ['grant_type', 'code', 'redirect_uri', 'client_id', 'audience', 'code_verifier']
      const violation = basicViolation(headers, form, client) ?? bodyViolation(form, keys)
      if (violation) return violation
      if (form.get('audience') === fhirBaseUrl) return undefined
      return invalidRequest(`audience must be ${fhirBaseUrl}, literally`)
    }
    case 'refresh_token':
      return basicViolation(headers, form, client) ?? bodyViolation(form, ['grant_type', 'refresh_token', 'client_id'])
    case 'client_credentials': {
      const keys = ['client_assertion_type', 'grant_type', 'scope', 'client_assertion']
      if (headers.authorization !== undefined) return invalidRequest('client_credentials takes no Authorization header')
      return bodyViolation(form, keys) ?? assertionViolation(form.get('client_assertion'), client)
    }
    default:
      return undefined
  }
}

function basicViolation(
  headers: RecordedRequest['headers'],
  form: URLSearchParams,
  client: SandboxClient | undefined,
): Violation | undefined {
  if (form.has('client_secret'))
    return invalidRequest('client_secret belongs in the Authorization header, not in the body')
  if (headers.authorization === undefined) return invalidClient('the Authorization header is missing')
  const basic = readBasic(headers.authorization)
  if (!basic) return invalidClient('the Authorization header must be Basic with base64 of client_id:client_secret')
  if (!client || basic.clientId !== client.clientId || basic.clientSecret !== client.clientSecret) {
    return invalidClient('client_id or client_secret of the Authorization header is wrong; both are sent unencoded')
  }
  if (form.has('client_id') && form.get('client_id') !== basic.clientId) {
    return invalidRequest('client_id of the body is not the one of the Authorization header')
  }
  return undefined
}

function bodyViolation(form: URLSearchParams, expected: string[]): Violation | undefined {
  const sent = [...form.keys()]
  const missing = expected.filter((key) => !sent.includes(key))
  if (missing.length > 0) return invalidRequest(`the body lacks ${missing.join(', ')}`)
  const extra = sent.filter((key) => !expected.includes(key))
  if (extra.length > 0) return invalidRequest(`the body must not have ${extra.join(', ')}`)
  if (sent.length > expected.length) return invalidRequest('a parameter of the body is repeated')
  return undefined
}

const assertionHeader = ['alg', 'kid', 'typ']

function assertionViolation(assertion: string | null, client: SandboxClient | undefined): Violation | undefined {
  const decoded = decodeJwt(assertion)
  if (!decoded) return invalidRequest('client_assertion is not a JWT')
  const { header, claims } = decoded
  if (Object.keys(header).sort().join() !== assertionHeader.join()) {
    return invalidClient('the assertion header must have exactly alg, typ and kid')
  }
  if (header.typ !== 'JWT') return invalidClient('the assertion header must have typ JWT')
  if (!client || claims.iss !== client.clientId || claims.sub !== client.clientId) {
    return invalidClient('iss and sub of the assertion must both be the client_id')
  }
  if (claims.jwks_url === undefined) return invalidClient('the assertion lacks jwks_url')
  if (claims.jwks_url !== client.jwksUrl) return invalidClient('jwks_url of the assertion is not the registered one')
  const { accessTokensExpireIn: minutes, iat } = claims
  if (typeof minutes !== 'number' || !Number.isInteger(minutes) || minutes < 1) {
    return invalidClient('accessTokensExpireIn of the assertion must be a whole number of minutes, at least 1')
  }
  if (typeof iat !== 'number' || !Number.isInteger(iat)) {
    return invalidClient('the assertion lacks iat in whole seconds')
  }
  if (Math.abs(Date.now() / 1000 - iat) > 60)
    return invalidClient('iat of the assertion is off by more than 60 seconds')
  return undefined
}
