import type { FhirAuthError, FhirAuthErrorCode } from '../errors.ts'

/** The situation of a visitor. A page tells people what to do now; the operator's log says what broke. */
export type Situation =
  | 'loggedOut'
  | 'notOpened'
  | 'recordChanged'
  | 'whichPatient'
  | 'notShared'
  | 'noPatient'
  | 'loginDeclined'
  | 'loginUnfinished'
  | 'wrongStart'
  | 'notAvailable'
  | 'fault'
  | 'notPossible'

/** The words of a page. */
export interface SituationText {
  readonly title: string
  readonly text: string
}

const SITUATIONS: Readonly<Record<FhirAuthErrorCode, Situation>> = {
  invalid_option: 'fault',
  invalid_key: 'fault',
  insecure_url: 'fault',
  network_error: 'notAvailable',
  timeout: 'notAvailable',
  unexpected_redirect: 'notAvailable',
  response_too_large: 'notAvailable',
  invalid_response: 'notAvailable',
  discovery_failed: 'notAvailable',
  missing_endpoint: 'fault',
  unsupported_by_server: 'fault',
  unknown_issuer: 'wrongStart',
  invalid_launch: 'wrongStart',
  invalid_callback: 'loginUnfinished',
  state_mismatch: 'loginUnfinished',
  transaction_expired: 'loginUnfinished',
  transaction_used: 'loginUnfinished',
  login_loop: 'fault',
  issuer_mismatch: 'loginUnfinished',
  redirect_uri_mismatch: 'loginUnfinished',
  authorization_denied: 'loginDeclined',
  authorization_failed: 'fault',
  token_request_refused: 'fault',
  invalid_token_response: 'fault',
  invalid_id_token: 'fault',
  login_required: 'loggedOut',
  session_ended: 'loggedOut',
  context_changed: 'recordChanged',
  insufficient_scope: 'notShared',
  missing_context: 'noPatient',
  ambiguous_launch: 'whichPatient',
  cross_origin_request: 'notPossible',
  method_not_allowed: 'notPossible',
  proxy_refused: 'notPossible',
  request_too_large: 'notPossible',
  session_store_failed: 'notAvailable',
  token_unavailable: 'notAvailable',
  url_outside_fhir_base: 'fault',
  fhir_request_failed: 'notAvailable',
}

const ENGLISH: Readonly<Record<Situation, SituationText>> = {
  loggedOut: {
    title: 'Please log in',
    text: 'You are not logged in, or your login has ended. Log in to continue.',
  },
  notOpened: {
    title: 'Please open the app again',
    text: 'You are not logged in here. Open the app from the health record.',
  },
  recordChanged: {
    title: 'Please log in again',
    text: 'The record that was open here has changed. The app has closed it, so that records do not get mixed up.',
  },
  whichPatient: {
    title: 'Which patient?',
    text: 'You have more than one patient open. Go back to the tab of the patient that you want, or open the app again from there.',
  },
  notShared: {
    title: 'This part was not shared',
    text: 'This page needs data that was not shared with the app when you logged in. Everything else still works. To share it, log in again.',
  },
  noPatient: {
    title: 'No patient is chosen',
    text: 'This page needs a patient. Log in again and choose one, or open the app from a patient’s record.',
  },
  loginDeclined: {
    title: 'You are not logged in',
    text: 'The login was cancelled, or sharing was declined. Nothing was shared.',
  },
  loginUnfinished: {
    title: 'The login did not finish',
    text: 'It took too long, or your browser did not keep its cookie. Log in again. If you have already finished it in another tab, go on there.',
  },
  wrongStart: {
    title: 'The app cannot be opened from here',
    text: 'The link that you used is old, or is not meant for this app. Open the app the way you usually do.',
  },
  notAvailable: {
    title: 'Not available at the moment',
    text: 'Something that this app needs cannot be reached right now. This is not your fault, and nothing is lost. Try again in a few minutes.',
  },
  fault: {
    title: 'Something went wrong',
    text: 'This is not your fault, and nothing is lost. Try once more. If that does not help, come back later: the people who run this app get a note of it.',
  },
  notPossible: {
    title: 'That did not work',
    text: 'Go back to the app and try again.',
  },
}

/** The texts for each situation, and the words around them. A page in another language replaces all of them. */
export interface VisitorTexts extends Readonly<Record<Situation, SituationText>> {
  /** The link of somebody who is not logged in. */
  readonly logIn: string
  /** The link after a login that has failed or ended. */
  readonly logInAgain: string
  /** The link where a page needs a patient. */
  readonly choosePatient: string
  readonly backToApp: string
  readonly moreAboutThis: string
  /** Before the reference. */
  readonly askForHelp: string
  /** The heading over the servers, where an app has several. */
  readonly logInAt: string
  /** The page that sends a login on by itself, and its button for browsers without scripts. */
  readonly continueToLogIn: string
  readonly continue: string
  /** In a frame whose cookies the browser blocks. */
  readonly openApp: SituationText
  readonly openInNewTab: string
}

export const ENGLISH_TEXTS: VisitorTexts = Object.freeze({
  ...ENGLISH,
  logIn: 'Log in',
  logInAgain: 'Log in again',
  choosePatient: 'Choose a patient',
  backToApp: 'Back to the app',
  moreAboutThis: 'More about this error',
  askForHelp: 'If this keeps happening, ask for help and give this reference:',
  logInAt: 'Log in at',
  continueToLogIn: 'Continue to log in',
  continue: 'Continue',
  openApp: {
    title: 'Open the app',
    text: 'The app cannot log you in inside this page, because your browser blocks its cookies here. Open it in a new tab.',
  },
  openInNewTab: 'Open the app in a new tab',
})

/** The words on the link to the login. */
export const WAYS_IN: Readonly<Partial<Record<Situation, 'logIn' | 'choosePatient'>>> = {
  loggedOut: 'logIn',
  wrongStart: 'logIn',
  noPatient: 'choosePatient',
  whichPatient: 'choosePatient',
}

/** Status 500 is a mistake of the app, and so a fault, whatever the code. */
export function situationOf({ code, status, error }: FhirAuthError): Situation {
  // Without an OAuth error, the server failed; it did not refuse.
  if (code === 'token_request_refused' && error === undefined) return 'notAvailable'
  if (code === 'fhir_request_failed' && status === 401) return 'loggedOut'
  return status === 500 || (code === 'fhir_request_failed' && !isPassing(status)) ? 'fault' : SITUATIONS[code]
}

/** Whether it helps to wait: the FHIR server was busy or down, and has not refused this request for good. */
function isPassing(status: number): boolean {
  return status >= 500 || status === 408 || status === 429
}
