import type { Advice } from './advice.ts'

const TOKEN_TEST = 'packages/cli/test/token.test.ts'
const DOCTOR_TEST = 'packages/cli/test/doctor.test.ts'

const CHECK_ID = 'Check that the client id {clientId} is of this environment: test and production have their own.'

const CHECK_KEYS = [
  'The server must find the key {kid} in the JWKS that is registered, by a URL it can reach: fhir-auth jwks --check {jwksUrl}',
  'The registered URL must be exactly the hosted one, and answer without a redirect.',
  'A new registration takes effect late at some vendors, up to an hour or more.',
  CHECK_ID,
  'Check that this client is registered with a JWKS, and not with a secret.',
  'Compare aud of the assertion, which fhir-auth token shows, with the token endpoint in the vendor’s manual.',
  'The server must accept {alg}: fhir-auth discover {fhirBaseUrl} lists its algorithms.',
  'The server may hold an older copy of your JWKS: wait until its max-age has passed.',
]

const CHECK_SECRET = [
  'Check the secret: it may be of another environment, expired, or end with a line break.',
  CHECK_ID,
  'Check how the server wants it: in the Authorization header, which was used here, or in the body.',
  'Check whether this client is registered for keys instead: then set a private JWK Set.',
]

type TokenProblem =
  | 'clock'
  | 'jwksUrlClaim'
  | 'vendorHost'
  | 'invalidClientKeys'
  | 'invalidClientSecret'
  | 'unauthorizedClient'
  | 'invalidScope'
  | 'unsupportedGrant'
  | 'invalidRequestKeys'
  | 'invalidRequestSecret'
  | 'serverError'
  | 'otherOauthError'
  | 'discoveryFailed'
  | 'wrongAlgorithm'
  | 'invalidTokenResponse'
  | 'tooManyRequests'
  | 'brokenServer'
  | 'noTokenEndpoint'
  | 'gateway'
  | 'otherStatus'

/** What a token endpoint answers, or fails to. */
export const TOKEN_ADVICE: Readonly<Record<TokenProblem, Advice>> = {
  clock: {
    sees: 'The clock of this machine differs from the `Date` of the answer',
    cause: 'Assertions are valid for minutes only: with a wrong clock they have expired, or are not valid yet.',
    remedies: [
      "This machine's clock is {clock} the server's: set it right, because assertions are valid for minutes only.",
    ],
    test: [TOKEN_TEST, 'a clock that differs comes first'],
  },
  jwksUrlClaim: {
    sees: '`invalid_client`, and the description has `jwks_url` or `accessTokensExpireIn`',
    cause: 'InteliChart wants these claims in the assertion; SMART does not know them.',
    remedies: ['The server asks for claims that only InteliChart uses: try --dialect intelichart --jwks-url {jwksUrl}'],
    test: [DOCTOR_TEST, 'jwks_url is what is missing: the dialect stands first'],
  },
  vendorHost: {
    sees: 'The host name is that of a vendor, and the dialect is `smart`',
    cause: 'The vendor deviates from SMART, and its dialect knows how.',
    remedies: ['The server is in the domain of a vendor that deviates from SMART: try --dialect {vendor}'],
    test: [DOCTOR_TEST, '%s: the dialect of its vendor is named'],
  },
  invalidClientKeys: {
    sees: '`invalid_client` or `invalid_grant` from the token endpoint, for a client with keys',
    cause: 'The server does not find the key, or does not know the client or the assertion’s audience.',
    remedies: CHECK_KEYS,
    test: [TOKEN_TEST, 'the server does not find the key'],
  },
  invalidClientSecret: {
    sees: '`invalid_client` from the token endpoint, for a client with a secret',
    cause: 'Secret and client id do not belong together, or the server wants the secret in another place.',
    remedies: CHECK_SECRET,
    test: [TOKEN_TEST, 'an unknown client id, and a wrong secret'],
  },
  unauthorizedClient: {
    sees: '`unauthorized_client` from the token endpoint',
    cause: 'The credentials are right. The client may not use this grant.',
    remedies: [
      'The credentials are right. Ask the vendor to enable client_credentials ("backend", "system") for this client.',
      'Check that the app is activated for this customer, and not only registered.',
      CHECK_ID,
    ],
    test: [TOKEN_TEST, 'the error %s'],
  },
  invalidScope: {
    sees: '`invalid_scope` from the token endpoint',
    cause: 'A scope is not registered for this client, or belongs to a login.',
    remedies: [
      'Ask only for what is registered: {scope}',
      'Backend services use system/ scopes. patient/, user/, launch and offline_access belong to a login.',
      'Older servers know system/Patient.read in place of system/Patient.rs.',
    ],
    test: [TOKEN_TEST, 'the error %s'],
  },
  unsupportedGrant: {
    sees: '`unsupported_grant_type`',
    cause: 'The token endpoint does not know client_credentials.',
    remedies: [
      'The server has no client_credentials at this endpoint: fhir-auth discover {fhirBaseUrl} lists its grants.',
    ],
    test: [TOKEN_TEST, 'the error %s'],
  },
  invalidRequestKeys: {
    sees: '`invalid_request` from the token endpoint, for a client with keys',
    cause: 'The server wants a parameter or a claim that was not sent, or refuses one that was.',
    remedies: [
      'Read the server’s description of the error: it names the parameter.',
      'Some vendors want parameters of their own: use the vendor’s dialect, --dialect NAME.',
      ...CHECK_KEYS,
    ],
    test: [TOKEN_TEST, 'the error %s'],
  },
  invalidRequestSecret: {
    sees: '`invalid_request` from the token endpoint, for a client with a secret',
    cause: 'The server wants a parameter that was not sent, or refuses one that was.',
    remedies: [
      'Read the server’s description of the error: it names the parameter.',
      'Some vendors want parameters of their own: use the vendor’s dialect, --dialect NAME.',
      ...CHECK_SECRET,
    ],
    test: [TOKEN_TEST, 'invalid_request for a client with a secret'],
  },
  serverError: {
    sees: '`server_error` or `temporarily_unavailable`',
    cause: 'The fault is the server’s.',
    remedies: ['The fault is the server’s: try again later, and give its operator the time of this request.'],
    test: [TOKEN_TEST, 'the error %s'],
  },
  otherOauthError: {
    sees: 'Another OAuth error from the token endpoint',
    cause: 'The vendor has errors of its own.',
    remedies: ['Read the server’s description of the error, and look the error up in the vendor’s manual.', CHECK_ID],
    test: [TOKEN_TEST, 'the error %s'],
  },
  discoveryFailed: {
    sees: '`discovery_failed` or `missing_endpoint`',
    cause: 'No document of the server names the endpoint: the base URL is wrong, or the server publishes none.',
    remedies: [
      'Check the FHIR base URL: fhir-auth discover {fhirBaseUrl} shows each source.',
      'Set --token-endpoint, or "tokenEndpoint" in the file, if the manual names one. In an app: metadata.token_endpoint.',
    ],
    test: [TOKEN_TEST, 'discovery fails: nothing is sent to a token endpoint'],
  },
  wrongAlgorithm: {
    sees: '`invalid_key`: the server accepts other algorithms than the key signs with',
    cause: 'The key is of another type than the server lists in `token_endpoint_auth_signing_alg_values_supported`.',
    remedies: [
      'Make a key of an algorithm that the server accepts, and register it: fhir-auth keygen --alg {accepted} --out FOLDER',
    ],
    test: [DOCTOR_TEST, 'a key of an algorithm that the server does not list'],
  },
  invalidTokenResponse: {
    sees: '`invalid_token_response`',
    cause: 'The answer is no token response: from another URL or a gateway, or with members that OAuth does not know.',
    remedies: [
      'Check that the URL is the token endpoint, and no gateway before it.',
      'Some vendors leave out token_type: use the vendor’s dialect, --dialect NAME, or the rule token.assumeBearer in your app.',
      "Some gateways write another word for Bearer: name it in your app's dialect, token: { acceptedTypes: ['BearerToken'] }.",
    ],
    test: [TOKEN_TEST, 'RSP-01 another word for Bearer: the advice names the dialect rule that takes it'],
  },
  tooManyRequests: {
    sees: 'Status 429',
    cause: 'The server limits how often an app asks.',
    remedies: ['Too many requests: wait as long as Retry-After says, and keep tokens until they expire.'],
    test: [TOKEN_TEST, 'status %i without an OAuth error'],
  },
  brokenServer: {
    sees: 'Status 500 or above, without an OAuth error',
    cause: 'The server, or a proxy before it, has a fault.',
    remedies: ['The fault is the server’s, or of a proxy before it: try again later.'],
    test: [TOKEN_TEST, 'status %i without an OAuth error'],
  },
  noTokenEndpoint: {
    sees: 'Status 404 or 405 from the token endpoint',
    cause: 'The URL is not that of the token endpoint.',
    remedies: ['There is no token endpoint at this URL: fhir-auth discover {fhirBaseUrl} shows the right one.'],
    test: [TOKEN_TEST, 'status %i without an OAuth error'],
  },
  gateway: {
    sees: 'Status 401 or 403 without an OAuth error',
    cause: 'A gateway or firewall answers in place of the authorization server.',
    remedies: [
      'A gateway may have refused the request before the authorization server saw it: ask whether this machine’s address is allowed.',
      'Check that the URL is the token endpoint: fhir-auth discover {fhirBaseUrl}',
    ],
    test: [TOKEN_TEST, 'status %i without an OAuth error'],
  },
  otherStatus: {
    sees: 'Another status of the token endpoint, without an OAuth error',
    cause: 'What answers is no token endpoint.',
    remedies: ['Check that the URL is the token endpoint: fhir-auth discover {fhirBaseUrl}'],
    test: [TOKEN_TEST, 'a redirect is not followed, and its target is shown'],
  },
}
