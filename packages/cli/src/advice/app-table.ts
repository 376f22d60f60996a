import type { Advice } from './advice.ts'

const LAUNCH = 'packages/core/test/launch'

type AppProblem =
  | 'noCookie'
  | 'otherHost'
  | 'otherSecrets'
  | 'loginLoop'
  | 'frameWithoutCookies'
  | 'unknownIssuer'
  | 'redirectUriMismatch'
  | 'issuerMismatch'
  | 'wrongIdTokenIssuer'
  | 'noMiddleware'
  | 'insufficientScope'
  | 'ambiguousLaunch'
  | 'sessionEnds'
  | 'storeDown'
  | 'urlOutside'

/** What the people of an app and its operators see. */
export const APP_ADVICE: Readonly<Record<AppProblem, Advice>> = {
  noCookie: {
    sees: '`state_mismatch`: "no cookie came"',
    cause: 'The browser blocked the login’s cookie, or an EHR’s frame kept it out.',
    remedies: [
      'Open the app over https, at the host of its redirect URI.',
      "In an EHR's frame set session: { sameSite: 'none' }.",
    ],
    test: [`${LAUNCH}/repeated-callback.test.ts`, 'STATE-02 says that no cookie came at all'],
  },
  otherHost: {
    sees: '`state_mismatch`: the login began at another host',
    cause:
      'The person opened the app at a host that is not that of the redirect URI, such as `localhost` and `127.0.0.1`.',
    remedies: ['Send people to the host of the redirect URI, or register a redirect URI at the host that they use.'],
    test: [`${LAUNCH}/repeated-callback.test.ts`, 'STATE-02 says that the login began at another host'],
  },
  otherSecrets: {
    sees: '`state_mismatch`: processes have different secrets',
    cause: 'A login that one process began came back to another.',
    remedies: ['Give all processes the same session.secret, from one variable.'],
    test: [`${LAUNCH}/repeated-callback.test.ts`, 'STATE-02 says that processes have different secrets'],
  },
  loginLoop: {
    sees: '`login_loop`, or the browser goes round and round',
    cause:
      'Each login succeeds, and the next request does not find its session: the memory store serves one process only.',
    remedies: [
      'Give all processes one session.store and one session.secret.',
      'Give each app of one host a session.cookieName of its own.',
    ],
    test: [`${LAUNCH}/login-loop-guard.test.ts`, "two processes that do not find each other's sessions"],
  },
  frameWithoutCookies: {
    sees: 'In the EHR’s frame the app offers a new tab',
    cause: 'The browser keeps no cookies of other sites in frames.',
    remedies: [
      "Set session: { sameSite: 'none' } and serve the app over https. Where the browser keeps none at all, the new tab is the way.",
    ],
    test: [`${LAUNCH}/frame-check.test.ts`, 'EHR-07 whose browser keeps none offers a new tab'],
  },
  unknownIssuer: {
    sees: '`unknown_issuer`',
    cause: 'The EHR sends an `iss` that no registration has, often nearly the same.',
    remedies: ['Compare iss with fhirBaseUrl of the registrations: the message names the one that is nearly the same.'],
    test: [`${LAUNCH}/ehr-launch.test.ts`, 'EHR-03 names the registration that is nearly the same'],
  },
  redirectUriMismatch: {
    sees: '`redirect_uri_mismatch`',
    cause:
      'The callback came to another address than the login was sent with: a proxy changes the path, or it is the answer of another server.',
    remedies: ['Compare redirectUri with what the server has registered, and paths.callback with what a proxy strips.'],
    test: [
      'packages/conformance/src/cases/callback.ts',
      'CB-02 a callback at the redirect URI of another registration is refused',
    ],
  },
  issuerMismatch: {
    sees: '`issuer_mismatch`: no issuer is known to compare with',
    cause: 'The server sends `iss` with the callback (RFC 9207), and publishes no issuer.',
    remedies: [
      'Set metadata.issuer of the registration to the iss that the server sends, after you checked it in the manual.',
    ],
    test: [
      'packages/core/test/oauth/authorization-response.test.ts',
      'CB-03 RFC 9207 §2.4 is refused where no issuer is known',
    ],
  },
  wrongIdTokenIssuer: {
    sees: '`invalid_id_token`, and the message shows two issuers',
    cause: 'The id_token is from another issuer than discovery names, often by a slash at the end.',
    remedies: ['If the issuer is right, set metadata.issuer of the registration, or the dialect rule idToken.issuer.'],
    test: [
      'packages/core/test/oauth/id-token.test.ts',
      'IDT-02 OIDC Core §3.1.3.7 no. 2: the refusal of an issuer shows both',
    ],
  },
  noMiddleware: {
    sees: '`login_required` with status 500',
    cause: 'No middleware ran before the guard.',
    remedies: ['Mount smartLaunch() or backendServices() before requireFhir().'],
    test: ['packages/core/test/web/guard.test.ts', 'ERR-05 if no middleware ran, a 500 tells the developer'],
  },
  insufficientScope: {
    sees: '`insufficient_scope`',
    cause: 'The route needs a scope that was not granted: not asked for, not registered, or refused by the person.',
    remedies: ['Add the scope to scope, and have it registered for the client. Then log in again.'],
    test: ['packages/core/test/web/guard.test.ts', 'ERR-05 a scope that was not granted is a 403 that names it'],
  },
  ambiguousLaunch: {
    sees: '`ambiguous_launch`',
    cause: 'This browser has several patients open, and the request does not say which one it is about.',
    remedies: ['Send launch_id in the query, or the header fhir-launch-id, with the value of fhir.launchId.'],
    test: ['packages/core/test/session/which-launch.test.ts', 'EHR-06 is refused, not guessed, when there are several'],
  },
  sessionEnds: {
    sees: 'People must log in again when the token expires',
    cause: 'The server gave no refresh token, or answered `invalid_grant` to it.',
    remedies: ['Ask for offline_access or online_access, and have it registered for the client.'],
    test: ['packages/core/test/session/refresh.test.ts', 'RFR-05 is not tried without one: the person logs in again'],
  },
  storeDown: {
    sees: '`session_store_failed`',
    cause: 'Redis or PostgreSQL does not answer.',
    remedies: ['Check that the store is up and reachable: its own error is the cause in the log line.'],
    test: ['packages/core/test/session/store-outage.test.ts', 'what this process has not seen is a 503'],
  },
  urlOutside: {
    sees: '`url_outside_fhir_base`, or 401 for the files of an export',
    cause: 'The file is beside the FHIR base URL, where the token may not go.',
    remedies: ['Add the folder of the files to tokenUrls of the registration.'],
    test: ['packages/core/test/fhir/token-urls.test.ts', 'RSP-10 a backend reads files beside the FHIR base'],
  },
}
