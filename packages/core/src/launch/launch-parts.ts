import { spelledLike, watchKeys } from '../client/client-directory.ts'
import { FhirAuthError } from '../errors.ts'
import { createEmit, durationSince, type Emit } from '../events.ts'
import { noting, OutcomeLog } from '../health.ts'
import { watchedHttp } from '../http/send-bounded.ts'
import { CookieSessions } from '../session/cookie-sessions.ts'
import { FhirContexts } from '../session/fhir-contexts.ts'
import { keepKnownLaunches, type SessionRecord } from '../session/record.ts'
import { Refresher } from '../session/refresher.ts'
import type { Sessions } from '../session/sessions.ts'
import { StoredSessions } from '../session/stored-sessions.ts'
import { Leases } from '../store/leases.ts'
import { MemoryStore } from '../store/memory-store.ts'
import { openStore } from '../store/open-store.ts'
import { createSealer } from '../store/sealing.ts'
import type { AdapterRequest, Answer } from '../web/adapter-contract.ts'
import { problemAnswer } from '../web/answers.ts'
import { FinishedLogins, type Landing } from './finished-logins.ts'
import { LaunchFlow } from './flow.ts'
import { LoginLoopGuard } from './login-loop-guard.ts'
import type { SmartLaunchSettings } from './options.ts'
import { PendingLogins } from './pending-login.ts'

/** The parts that the routes of a launch use. */
export interface LaunchParts {
  readonly settings: SmartLaunchSettings
  readonly flow: LaunchFlow
  readonly pendingLogins: PendingLogins
  readonly sessions: Sessions
  readonly finishedLogins: FinishedLogins
  readonly loopGuard: LoginLoopGuard
  readonly emit: Emit
  /** The last outcomes of logins, refreshes and the store. */
  readonly health: OutcomeLog<object>
  /** When the request began, a time of `performance.now()`. */
  readonly startedAt: number
}

/** The requests that a callback may need: discovery, the token, the keys of its id_token. */
const EXCHANGE_REQUESTS = 3

/** The parts that all requests share. */
export type LaunchSetup = Omit<LaunchParts, 'startedAt'>

export function createLaunchParts(settings: SmartLaunchSettings): LaunchSetup {
  const { now, session, hooks, secrets, clients } = settings
  const { afterRefresh } = hooks
  const health = new OutcomeLog<object>(now)
  const emit = noting(health, createEmit(hooks.onEvent))
  const http = watchedHttp(settings.http, hooks.onEvent, emit)
  watchKeys(settings.clients.listed, undefined, emit)
  for (const { redirectUri, clients: those } of settings.sharedRedirectUris) {
    emit({ type: 'redirect_uri_shared', redirectUri, fhirBaseUrls: those.map(({ fhirBaseUrl }) => fhirBaseUrl) })
  }
  const storeSettings = {
    ...{ secrets, timeoutSeconds: settings.storeTimeoutSeconds, now },
    onFailure: (error: FhirAuthError) => emit({ type: 'store_failed', error }),
  }
  const store = openStore<SessionRecord>(settings.store, {
    ...storeSettings,
    purpose: 'session',
    keepKnown: keepKnownLaunches,
    ...(clients.listed.length !== 1 && { shareOf: serverOf }),
  })
  const flow = new LaunchFlow(settings, { http, now }, emit)
  const contexts = new FhirContexts({
    send: http.fetch ?? globalThis.fetch,
    tokenUrls: async (fhirBaseUrl) => (await clients.find(fhirBaseUrl))?.tokenUrls ?? [],
    problems: settings.problems,
  })
  const common = { settings: session, contexts, afterRefresh, now }
  const leases = new Leases(store, settings.http.timeoutSeconds)
  const sessions = settings.sessionsInCookies
    ? new CookieSessions({ ...common, server: flow, emit, secrets })
    : new StoredSessions({ ...common, store, refresher: new Refresher({ store, leases, server: flow, emit, now }) })
  const pendingLogins = new PendingLogins(
    createSealer(secrets, 'login'),
    session.policy,
    settings.loginTimeoutSeconds,
    now,
  )
  const landings = openStore<Landing>(settings.store, { ...storeSettings, purpose: 'landing' })
  const finishedLogins = new FinishedLogins(landings, EXCHANGE_REQUESTS * settings.http.timeoutSeconds)
  const isInMemory = settings.store instanceof MemoryStore && !settings.sessionsInCookies
  const loopGuard = new LoginLoopGuard(session.policy, isInMemory)
  return { settings, flow, pendingLogins, finishedLogins, loopGuard, sessions, emit, health }
}

/** The server of a record, for the store's limits: that of the latest login. The store may also hold records of another flow. */
function serverOf({ launches = [], fhirBaseUrl = '' }: Partial<SessionRecord & Landing>): string {
  return launches.at(-1)?.fhirBaseUrl ?? fhirBaseUrl
}

interface FailedLogin {
  readonly error: unknown
  readonly cookies?: readonly string[] | undefined
  /** The page that the person wanted. The next login returns to it. */
  readonly returnTo?: string | undefined
  /** The server, if it is known already. */
  readonly fhirBaseUrl?: string | undefined
}

/**
 * The answer to a login that failed.
 *
 * @throws any error that is not a {@link FhirAuthError}: a fault of the app or of this library
 */
export function failedLogin(
  { settings, emit, startedAt }: LaunchParts,
  request: AdapterRequest,
  { error, cookies = [], returnTo, fhirBaseUrl }: FailedLogin,
): Answer {
  if (!(error instanceof FhirAuthError)) throw error
  const client = settings.clients.listed.find((listed) => listed.fhirBaseUrl === fhirBaseUrl)
  const origin = { ...(fhirBaseUrl && { fhirBaseUrl }), ...(client && { clientId: client.clientId }) }
  emit({ type: 'login_failed', ...origin, code: error.code, error, durationMs: durationSince(startedAt) })
  const page = returnTo === settings.publicPaths.home ? undefined : returnTo
  const { problems } = settings
  return problemAnswer(error, request, {
    cookies,
    retryUrl: loginPath(settings, page),
    settings: problems,
    place: origin,
  })
}

/** For the operator, where a login was to go: the listed server that the request names in `iss`, or the only one. */
export function namedServer({ settings }: LaunchParts, query: URLSearchParams): string | undefined {
  const { listed } = settings.clients
  const iss = query.get('iss')
  if (iss === null) return listed.length === 1 ? listed[0]?.fhirBaseUrl : undefined
  return listed.find(({ fhirBaseUrl }) => iss === spelledLike(fhirBaseUrl, iss))?.fhirBaseUrl
}

/** The path of the login, as the browser sees it; undefined if only an EHR can launch the app. */
export function loginPath(
  { publicPaths: { login } }: SmartLaunchSettings,
  returnTo: string | undefined,
): string | undefined {
  if (login === undefined || returnTo === undefined) return login
  return `${login}?${new URLSearchParams({ returnTo })}`
}
