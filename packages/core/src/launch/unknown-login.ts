import { FhirAuthError } from '../errors.ts'
import { randomToken } from '../shared/random.ts'
import type { AdapterRequest } from '../web/adapter-contract.ts'
import { isAtOwnHost } from './own-host.ts'

/** At the end of a state: the login began at another host than the one its callback comes to. */
const OTHER_HOST = '.other-host'

/** A new state. It says whether the login's cookie can come back: at another host than the callback's it cannot. */
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

/** Why a callback finds no login in its browser, as far as can be told. */
export function unknownLogin(request: AdapterRequest, { state, found, isUsed, ...app }: MissingLogin): FhirAuthError {
  if (isUsed) {
    const message = 'This login is already completed, and this browser is not logged in by it. Log in again.'
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
    return 'The cookie of this login does not open: it was changed, or sealed with another session.secret. Give every process the same secret.'
  }
  // A proxy that always writes another host says nothing about this login.
  if (state.endsWith(OTHER_HOST) && isAtOwnHost(request, origin)) {
    return `This login began at another host than ${new URL(origin).host}, where redirectUri leads, so its cookie does not come back. Open the app at ${origin}, or register the redirectUri of the host that people use.`
  }
  if (!request.header('cookie')) {
    return "The callback came without a cookie. The browser blocks the app's cookies (an app in an EHR's frame needs session.sameSite 'none' and https), or the login was started in another browser."
  }
  const minutes = Math.round(timeoutSeconds / 60)
  return `This browser has not started this login, or long before the ${minutes} minutes that a login may take. Log in again.`
}
