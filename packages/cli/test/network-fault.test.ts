import { FhirAuthError } from '@fhir-auth/core'
import { expect, test } from 'vitest'
import { networkFaultOf } from '../src/network-fault.ts'

test.each([
  ['CERT_HAS_EXPIRED', 'tls', /renew/],
  ['CERT_NOT_YET_VALID', 'tls', /clock/],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls', /another host name/],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'tls', /NODE_EXTRA_CA_CERTS/],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'tls', /NODE_EXTRA_CA_CERTS/],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'tls', /client certificate/],
  ['UND_ERR_ABORTED', 'proxy', /NO_PROXY/],
  ['EHOSTUNREACH', 'unreachable', /NODE_USE_ENV_PROXY/],
])('each fault of a connection has its remedy: %s', (reason, code, words) => {
  const request = { method: 'GET', url: 'https://fhir.example.com', headers: {}, body: '' }
  const found = networkFaultOf(new FhirAuthError('network_error', 'No connection.'), { request, fault: reason })
  expect(found).toMatchObject({ code, remedy: expect.stringMatching(words) })
})
