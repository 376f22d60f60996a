import { FhirAuthError } from '../errors.ts'
import { randomToken } from '../shared/random.ts'
import type { AdapterRequest } from '../web/adapter-contract.ts'
import { isAtOwnHost } from './own-host.ts'

/** The end of the state of a login that began at another host than that of its callback. */
const OTHER_HOST = '.other-host'

/** A new state. It marks a login that began at another host than its callback's, because its cookie will not come back. */
export function newState(request: AdapterRequest, origin: string): string {
  return isAtOwnHost(request, origin) ? randomToken() : randomToken() + OTHER_HOST
}

interface MissingLogin {
  readonly state: string
  readonly found: 'no cookie' | 'not ours'
  readonly isUsed: boolean
  readonly origin: string
  readonly timeoutSeconds: number
}

/** The error for a callback without a login in its browser, with the likeliest reason. */
export function unknownLogin(request: AdapterRequest, { state, found, isUsed, ...app }: MissingLogin): FhirAuthError {
  if (isUsed) {
    const message = 'This login has been completed already, and not in this browser. Log in again.'
    return new FhirAuthError('transaction_used', message)
  }
  return new FhirAuthError('state_mismatch', causeOf(request, state, found, app))
}

function causeOf(
  request: AdapterRequest,
  state: string,
  found: MissingLogin['found'],
  { origin, timeoutSeconds }: Pick<MissingLogin, 'origin' | 'timeoutSeconds'>,
): string {
  if (found === 'not ours') {
    return 'The cookie of this login cannot be decrypted: it was changed, or it was made with another session.secret. Give every process the same secret.'
  }
  // Only if the callback has the right host: some proxies always set another one.
  if (state.endsWith(OTHER_HOST) && isAtOwnHost(request, origin)) {
    return `This login began at another host than ${new URL(origin).host}, the host of redirectUri, so its cookie was not sent. Open the app at ${origin}, or register a redirectUri with the host that people use.`
  }
  if (!request.header('cookie')) {
    return "The callback came without a cookie. The browser blocks the app's cookies (an app in an EHR's frame needs session.sameSite 'none' and https), or the login was started in another browser."
  }
  const minutes = Math.round(timeoutSeconds / 60)
  return `This browser did not start this login, or started it much longer ago than the ${minutes} minutes that a login may take. Log in again.`
}
