import type { FhirAuthError } from '@fhir-auth/core'
import type { Exchange } from './recording-fetch.ts'

export type NetworkFaultCode =
  | 'insecure_url'
  | 'redirect'
  | 'timeout'
  | 'tls'
  | 'dns'
  | 'refused'
  | 'reset'
  | 'unreachable'
  | 'too_large'
  | 'not_json'

export interface NetworkFault {
  readonly code: NetworkFaultCode
  readonly what: string
  readonly remedy: string
}

// What Node and OpenSSL call the faults of a certificate or a handshake.
const CERTIFICATE_REMEDIES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'The certificate has expired: renew it.',
  CERT_NOT_YET_VALID: 'The certificate is not valid yet: check the clocks.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'The certificate is for another host name.',
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'The certificate is signed by itself: use one of a public authority. To trust this one here, set NODE_EXTRA_CA_CERTS to its file.',
  SELF_SIGNED_CERT_IN_CHAIN:
    'The chain ends in an authority that only its owner trusts: use a public one. To trust it here, set NODE_EXTRA_CA_CERTS to its file.',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'The server does not send its intermediate certificate, and programs do not look for it: ask its operator, or set NODE_EXTRA_CA_CERTS to a file with it. The same goes for a private authority.',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'The certificate is of an authority that this machine does not trust: set NODE_EXTRA_CA_CERTS to the file of a private one.',
}

/**
 * What kept a request from its answer, in words for a person. Undefined for an error that is of another kind.
 *
 * @param exchange - the recorded request, which knows more than the error
 */
export function networkFaultOf(error: FhirAuthError, exchange: Exchange | undefined): NetworkFault | undefined {
  switch (error.code) {
    case 'insecure_url':
      return fault('insecure_url', error.message, 'Use https. Plain http is for a server on this machine.')
    case 'unexpected_redirect':
      return fault('redirect', error.message, 'Use the final URL.')
    case 'timeout':
      return fault('timeout', error.message, 'Check that a firewall lets the request through.')
    case 'response_too_large':
      return fault('too_large', error.message, 'Check that the URL is the right one.')
    case 'invalid_response':
      return fault('not_json', error.message, 'Check that the URL is the right one, and that no login page answers.')
    case 'network_error':
      return connectionFault(error, exchange?.fault ?? '')
    default:
      return undefined
  }
}

function connectionFault(error: FhirAuthError, reason: string): NetworkFault {
  const certificate = Object.hasOwn(CERTIFICATE_REMEDIES, reason) ? CERTIFICATE_REMEDIES[reason] : undefined
  if (certificate !== undefined) return fault('tls', error.message, certificate)
  if (/^(?:CERT_|ERR_TLS_|ERR_SSL_|EPROTO$|UNABLE_TO_)/.test(reason)) {
    return fault('tls', error.message, 'No TLS connection: check port, protocol and certificate.')
  }
  if (reason === 'ENOTFOUND' || reason === 'EAI_AGAIN') {
    return fault('dns', error.message, 'The host name has no address: check its spelling, or the VPN.')
  }
  if (reason === 'ECONNREFUSED') return fault('refused', error.message, 'Nothing listens there: check host and port.')
  if (reason === 'ECONNRESET' || reason === 'UND_ERR_SOCKET') {
    return fault('reset', error.message, 'The server, or a proxy before it, cut the connection.')
  }
  return fault(
    'unreachable',
    error.message,
    'Check the network and the URL. Where a proxy is needed, set HTTPS_PROXY and NODE_USE_ENV_PROXY=1 (docs/network.md).',
  )
}

function fault(code: NetworkFaultCode, what: string, remedy: string): NetworkFault {
  return { code, what, remedy }
}
