import type { FhirAuthError } from '@fhir-auth/core'
import { type Advice, remediesOf } from './advice/advice.ts'
import { NETWORK_ADVICE } from './advice/network-table.ts'
import type { Exchange } from './recording-fetch.ts'

export type NetworkFaultCode =
  | 'insecure_url'
  | 'redirect'
  | 'timeout'
  | 'tls'
  | 'dns'
  | 'refused'
  | 'reset'
  | 'proxy'
  | 'unreachable'
  | 'too_large'
  | 'not_json'

export interface NetworkFault {
  readonly code: NetworkFaultCode
  readonly what: string
  readonly remedy: string
}

// What Node and OpenSSL call the faults of a certificate.
const CERTIFICATE_ADVICE: Readonly<Record<string, Advice>> = {
  CERT_HAS_EXPIRED: NETWORK_ADVICE.expired,
  CERT_NOT_YET_VALID: NETWORK_ADVICE.notYetValid,
  ERR_TLS_CERT_ALTNAME_INVALID: NETWORK_ADVICE.otherHost,
  DEPTH_ZERO_SELF_SIGNED_CERT: NETWORK_ADVICE.selfSigned,
  SELF_SIGNED_CERT_IN_CHAIN: NETWORK_ADVICE.selfSignedChain,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: NETWORK_ADVICE.unverifiedLeaf,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NETWORK_ADVICE.unknownAuthority,
}

/**
 * Why a request got no response, in words for a person. Undefined for other errors.
 *
 * @param exchange - the recorded request, which knows more than the error
 */
export function networkFaultOf(error: FhirAuthError, exchange: Exchange | undefined): NetworkFault | undefined {
  switch (error.code) {
    case 'insecure_url':
      return fault('insecure_url', error, NETWORK_ADVICE.insecureUrl)
    case 'unexpected_redirect':
      return fault('redirect', error, NETWORK_ADVICE.redirect)
    case 'timeout':
      return fault('timeout', error, NETWORK_ADVICE.timeout)
    case 'response_too_large':
      return fault('too_large', error, NETWORK_ADVICE.tooLarge)
    case 'invalid_response':
      return fault('not_json', error, NETWORK_ADVICE.notJson)
    case 'network_error':
      return connectionFault(error, exchange?.fault ?? '')
    default:
      return undefined
  }
}

function connectionFault(error: FhirAuthError, reason: string): NetworkFault {
  const certificate = Object.hasOwn(CERTIFICATE_ADVICE, reason) ? CERTIFICATE_ADVICE[reason] : undefined
  if (certificate !== undefined) return fault('tls', error, certificate)
  if (/^(?:CERT_|ERR_TLS_|ERR_SSL_|EPROTO$|UNABLE_TO_)/.test(reason)) return fault('tls', error, NETWORK_ADVICE.tls)
  if (reason === 'ENOTFOUND' || reason === 'EAI_AGAIN') return fault('dns', error, NETWORK_ADVICE.dns)
  if (reason === 'ECONNREFUSED') return fault('refused', error, NETWORK_ADVICE.refused)
  if (reason === 'ECONNRESET' || reason === 'UND_ERR_SOCKET') return fault('reset', error, NETWORK_ADVICE.reset)
  // How undici, the `fetch` of Node, ends a request whose tunnel a proxy has refused.
  if (reason === 'UND_ERR_ABORTED') return fault('proxy', error, NETWORK_ADVICE.proxy)
  return fault('unreachable', error, NETWORK_ADVICE.unreachable)
}

function fault(code: NetworkFaultCode, error: FhirAuthError, advice: Advice): NetworkFault {
  return { code, what: error.message, remedy: remediesOf(advice).join(' ') }
}
