import type { Advice } from './advice.ts'

const JWKS_TEST = 'packages/cli/test/jwks.test.ts'
const NETWORK_TEST = 'packages/cli/test/network.test.ts'
const FAULT_TEST = 'packages/cli/test/network-fault.test.ts'
const CERTIFICATES = [NETWORK_TEST, 'a certificate that is %s: it says so, and what to do'] as const

type NetworkProblem =
  | 'insecureUrl'
  | 'redirect'
  | 'timeout'
  | 'tooLarge'
  | 'notJson'
  | 'expired'
  | 'notYetValid'
  | 'otherHost'
  | 'selfSigned'
  | 'selfSignedChain'
  | 'unverifiedLeaf'
  | 'unknownAuthority'
  | 'tls'
  | 'dns'
  | 'refused'
  | 'reset'
  | 'proxy'
  | 'unreachable'

/** What keeps a request from its answer. */
export const NETWORK_ADVICE: Readonly<Record<NetworkProblem, Advice>> = {
  insecureUrl: {
    sees: '`insecure_url`',
    cause: 'The URL is not https. Nothing was sent.',
    remedies: ['Use https. Plain http is for a server on this machine.'],
    test: [JWKS_TEST, 'plain http to another machine: nothing is sent'],
  },
  redirect: {
    sees: '`unexpected_redirect`',
    cause: 'The server answered with a redirect, and secrets do not follow one.',
    remedies: ['Use the final URL, the one that the redirect leads to.'],
    test: [JWKS_TEST, 'a redirect is not followed; it says where the keys are'],
  },
  timeout: {
    sees: '`timeout`',
    cause:
      'No answer came in time: often a firewall drops the request. A server that wants a certificate of the client may look so too.',
    remedies: [
      'No answer came in time: check that a firewall lets the request through. The server may want a client certificate (docs/network.md).',
    ],
    test: [JWKS_TEST, '%s within the time limit'],
  },
  tooLarge: {
    sees: '`response_too_large`',
    cause: 'The answer is larger than a SMART server’s answers are.',
    remedies: ['Check that the URL is that of a SMART server.'],
    test: [JWKS_TEST, 'a body without an end'],
  },
  notJson: {
    sees: '`invalid_response`',
    cause: 'The answer is no JSON: a web page, often of a proxy or a login.',
    remedies: ['Check that the URL is the right one, and that no login page answers.'],
    test: [JWKS_TEST, 'a page in place of JSON'],
  },
  expired: {
    sees: '`CERT_HAS_EXPIRED`',
    cause: 'The certificate of the server has expired.',
    remedies: ['The certificate has expired: ask the operator of the server to renew it.'],
    test: CERTIFICATES,
  },
  notYetValid: {
    sees: '`CERT_NOT_YET_VALID`',
    cause: 'The certificate begins in the future, or a clock is wrong.',
    remedies: ['The certificate is not valid yet: check the clock of this machine.'],
    test: CERTIFICATES,
  },
  otherHost: {
    sees: '`ERR_TLS_CERT_ALTNAME_INVALID`',
    cause: 'The certificate is for another host name.',
    remedies: ['The certificate is for another host name: use the name that is in it.'],
    test: CERTIFICATES,
  },
  selfSigned: {
    sees: '`DEPTH_ZERO_SELF_SIGNED_CERT`',
    cause: 'Nobody but the server itself vouches for its certificate.',
    remedies: [
      'The certificate is signed by itself: use one of a public authority. To trust this one here, set NODE_EXTRA_CA_CERTS to its file.',
    ],
    test: [JWKS_TEST, 'a certificate that nobody signed'],
  },
  selfSignedChain: {
    sees: '`SELF_SIGNED_CERT_IN_CHAIN`',
    cause: 'The certificate is from a private authority, or a proxy opens the connection.',
    remedies: [
      'The certificate is from an authority that this machine does not trust: set NODE_EXTRA_CA_CERTS to the file of that authority.',
    ],
    test: CERTIFICATES,
  },
  unverifiedLeaf: {
    sees: '`UNABLE_TO_VERIFY_LEAF_SIGNATURE`',
    cause:
      'The server does not send its intermediate certificate, which browsers look up and programs do not. Or its authority is private.',
    remedies: [
      'The server does not send its intermediate certificate: ask its operator to. For a private authority set NODE_EXTRA_CA_CERTS to its file.',
    ],
    test: CERTIFICATES,
  },
  unknownAuthority: {
    sees: '`UNABLE_TO_GET_ISSUER_CERT_LOCALLY`',
    cause: 'The certificate is from an authority that this machine does not trust.',
    remedies: [
      'The certificate is from an authority that this machine does not trust: set NODE_EXTRA_CA_CERTS to the file of that authority.',
    ],
    test: CERTIFICATES,
  },
  tls: {
    sees: 'Another fault of TLS, such as `ERR_SSL_WRONG_VERSION_NUMBER`',
    cause: 'The port speaks no TLS, or the server wants a certificate of the client.',
    remedies: [
      'No TLS connection: check port and protocol, and whether the server wants a client certificate (docs/network.md).',
    ],
    test: [JWKS_TEST, 'https at a port that speaks http'],
  },
  dns: {
    sees: '`ENOTFOUND` or `EAI_AGAIN`',
    cause: 'The host name has no address here.',
    remedies: ['The host name has no address: check its spelling, or the VPN.'],
    test: [JWKS_TEST, 'a name that does not exist'],
  },
  refused: {
    sees: '`ECONNREFUSED`',
    cause: 'Nothing listens at that port.',
    remedies: ['Nothing listens there: check host and port.'],
    test: [JWKS_TEST, 'nothing listens'],
  },
  reset: {
    sees: '`ECONNRESET` or `UND_ERR_SOCKET`',
    cause:
      'The server, or a proxy before it, cut the connection. A server that wants a certificate of the client may do so too.',
    remedies: [
      'The server, or a proxy before it, cut the connection: try again, and ask its operator if it stays. The server may want a client certificate (docs/network.md).',
    ],
    test: [JWKS_TEST, 'the connection is cut'],
  },
  proxy: {
    sees: '`UND_ERR_ABORTED`',
    cause: 'The proxy opens no tunnel to the server: it wants a password, or does not allow that host.',
    remedies: [
      'The proxy refused: if it wants a password, set HTTPS_PROXY=http://user:password@host:port. Otherwise ask its operator, or list the server in NO_PROXY.',
    ],
    test: [NETWORK_TEST, 'a proxy that wants a password'],
  },
  unreachable: {
    sees: 'Another `network_error`',
    cause: 'There is no way to the server, or only through a proxy.',
    remedies: [
      'Check the network and the URL. Where a proxy is needed, set HTTPS_PROXY and NODE_USE_ENV_PROXY=1 (docs/network.md).',
    ],
    test: [FAULT_TEST, 'each fault of a connection has its remedy: %s'],
  },
}
