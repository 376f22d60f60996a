import { watchKeys } from '../client/client-directory.ts'
import { FhirAuthError } from '../errors.ts'
import { createEmit, type Emit } from '../events.ts'
import { CookieSessions } from '../session/cookie-sessions.ts'
import { keepKnownLaunches, type SessionRecord } from '../session/record.ts'
import { Refresher } from '../session/refresher.ts'
import type { Sessions } from '../session/sessions.ts'
import { StoredSessions } from '../session/stored-sessions.ts'
import { Leases } from '../store/leases.ts'
import { openStore } from '../store/open-store.ts'
import type { NameStore } from '../store/record-store.ts'
import { createSealer } from '../store/sealing.ts'
import type { AdapterRequest, Answer } from '../web/adapter-contract.ts'
import { problemAnswer } from '../web/answers.ts'
import { LaunchFlow } from './flow.ts'
import type { SmartLaunchSettings } from './options.ts'
import { PendingLogins } from './pending-login.ts'

/** What the routes of a launch work with. */
export interface LaunchParts {
  readonly settings: SmartLaunchSettings
  readonly flow: LaunchFlow
  readonly pendingLogins: PendingLogins
  readonly sessions: Sessions
  /** States that a callback has used. */
  readonly usedStates: NameStore
  readonly emit: Emit
}

export function createLaunchParts(settings: SmartLaunchSettings): LaunchParts {
  const { http, now, session, hooks, secrets, clients } = settings
  const { afterRefresh } = hooks
  const emit = createEmit(hooks.onEvent)
  watchKeys(settings.clients.listed, undefined, emit)
  const store = openStore<SessionRecord>(settings.store, {
    ...{ purpose: 'session', secrets, timeoutSeconds: settings.storeTimeoutSeconds, now },
    onFailure: (error) => emit({ type: 'store_failed', error }),
    keepKnown: keepKnownLaunches,
    ...(clients.listed.length !== 1 && { shareOf: serverOf }),
  })
  const flow = new LaunchFlow(settings, { http, now })
  const send = http.fetch ?? globalThis.fetch
  const common = { settings: session, send, afterRefresh, now }
  const leases = new Leases(store, http.timeoutSeconds)
  const sessions = settings.sessionsInCookies
    ? new CookieSessions({ ...common, server: flow, emit, secrets })
    : new StoredSessions({ ...common, store, refresher: new Refresher({ store, leases, server: flow, emit, now }) })
  const pendingLogins = new PendingLogins(
    createSealer(secrets, 'login'),
    session.policy,
    settings.loginTimeoutSeconds,
    now,
  )
  return { settings, flow, pendingLogins, sessions, usedStates: store, emit }
}

/** The server whose tokens fill a session: the one of the latest login. A store may hold records of another flow, too. */
function serverOf({ launches = [] }: Partial<SessionRecord>): string {
  return launches.at(-1)?.fhirBaseUrl ?? ''
}

interface FailedLogin {
  readonly error: unknown
  readonly cookies?: readonly string[] | undefined
  /** The page that the person wanted: the next login leads there. */
  readonly returnTo?: string | undefined
}

/**
 * The answer to a login that failed.
 *
 * @throws what is no {@link FhirAuthError}: a fault of the app, or of this library
 */
export function failedLogin(
  { settings, emit }: LaunchParts,
  request: AdapterRequest,
  { error, cookies = [], returnTo }: FailedLogin,
): Answer {
  if (!(error instanceof FhirAuthError)) throw error
  emit({ type: 'login_failed', code: error.code, error })
  return problemAnswer(error, request, { cookies, retryUrl: loginPath(settings, returnTo) })
}

/** Where to log in, as the browser sees it; undefined when only an EHR can launch the app. */
export function loginPath(
  { publicPaths: { login, home } }: SmartLaunchSettings,
  returnTo: string | undefined,
): string | undefined {
  if (login === undefined || returnTo === undefined || returnTo === home) return login
  return `${login}?${new URLSearchParams({ returnTo })}`
}
