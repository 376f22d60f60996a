import type { Advice } from './advice.ts'

const LOGIN_TEST = 'packages/cli/test/doctor-login.test.ts'
const ERROR_TEST = [
  LOGIN_TEST,
  'RFC 6749 §4.1.2.1: what the authorization endpoint answers to a harmless request',
] as const

type LoginProblem =
  | 'invalidScope'
  | 'unauthorizedClient'
  | 'invalidRequest'
  | 'serverError'
  | 'accessDenied'
  | 'otherError'
  | 'notFound'
  | 'refusedClient'

/** What an authorization endpoint answers, or fails to. */
export const LOGIN_ADVICE: Readonly<Record<LoginProblem, Advice>> = {
  invalidScope: {
    sees: '`invalid_scope` from the authorization endpoint',
    cause: 'A scope is not registered for this client, or belongs to backend services.',
    remedies: [
      'Ask only for what is registered: {scope}',
      'A login uses patient/ and user/ scopes, launch/patient, openid, fhirUser and offline_access. system/ scopes belong to backend services.',
      'Older servers know patient/Patient.read in place of patient/Patient.rs.',
      'Some servers have no wildcards: name each resource type in place of patient/*.rs.',
    ],
    test: ERROR_TEST,
  },
  unauthorizedClient: {
    sees: '`unauthorized_client` or `unsupported_response_type` from the authorization endpoint',
    cause: 'The client is registered for another kind of app.',
    remedies: [
      'Ask the vendor to enable the authorization code grant ("user access", "patient access") for this client.',
      'Check that the app is activated for this customer, and not only registered.',
    ],
    test: ERROR_TEST,
  },
  invalidRequest: {
    sees: '`invalid_request` from the authorization endpoint',
    cause: 'The server wants a parameter that was not sent, or refuses one that was.',
    remedies: [
      'Read the server’s description of the error: it names the parameter.',
      'If it names aud: the FHIR base URL must be exactly as registered. Now it is {fhirBaseUrl}',
      'Some vendors want parameters of their own: use the vendor’s dialect, --dialect NAME.',
    ],
    test: ERROR_TEST,
  },
  serverError: {
    sees: '`server_error`, `temporarily_unavailable`, or status 500 or above from the authorization endpoint',
    cause: 'The fault is the server’s.',
    remedies: ['The fault is the server’s: try again later, and give its operator the time of this request.'],
    test: ERROR_TEST,
  },
  accessDenied: {
    sees: '`access_denied` from the authorization endpoint',
    cause: 'The person, or the server for them, has refused.',
    remedies: [
      'Log in with a browser: the server may refuse only this check, which has no person in it.',
      'Check that the app is activated for this customer, and that this person may use it.',
    ],
    test: ERROR_TEST,
  },
  otherError: {
    sees: 'Another error from the authorization endpoint',
    cause: 'The vendor has errors of its own.',
    remedies: ['Read the server’s description of the error, and look the error up in the vendor’s manual.'],
    test: ERROR_TEST,
  },
  notFound: {
    sees: 'Status 404 or 405 from the authorization endpoint',
    cause: 'The URL is not that of the authorization endpoint.',
    remedies: ['There is no authorization endpoint at this URL: fhir-auth discover {fhirBaseUrl} shows the right one.'],
    test: [LOGIN_TEST, 'status %i'],
  },
  refusedClient: {
    sees: 'The authorization endpoint shows an error page, and does not go back to the app',
    cause: 'It does not know the client id, or not with this redirect URI. So it must not send anybody there.',
    remedies: [
      'Check that exactly this redirect URI is registered, with its path, port and any slash at the end: {redirectUri}',
      'Check that the client id {clientId} is of this environment: test and production have their own.',
      'A new registration takes effect late at some vendors, up to an hour or more.',
    ],
    test: [LOGIN_TEST, 'a client or redirect URI that the server does not know'],
  },
}
