import type { LaunchClient } from '../client/client.ts'
import { publicClient } from '../client/client-auth.ts'
import { type ClientDirectory, createClientDirectory, REGISTRATION_SOURCE } from '../client/client-directory.ts'
import { checkRegistration, type Registration } from '../client/registration.ts'
import type { ManyRegistrations, OneRegistration, RegistrationSource } from '../client/registration-source.ts'
import type { EventListener } from '../events.ts'
import type { FhirContext } from '../fhir/fhir-context.ts'
import { HTTP_OPTIONS, type HttpOptions } from '../http/send-bounded.ts'
import {
  callable,
  checkedByReader,
  clock,
  flag,
  group,
  type OptionRules,
  oneOf,
  positive,
  readOptions,
  refuseOption,
} from '../options.ts'
import { CookieStore } from '../session/cookie-store.ts'
import type { SessionSettings } from '../session/sessions.ts'
import { type MemoryStore, memoryStore } from '../store/memory-store.ts'
import { readStore } from '../store/open-store.ts'
import { checkSecrets } from '../store/sealing.ts'
import type { Store } from '../store/store.ts'
import { readFrameAncestors } from '../web/frame-ancestors.ts'
import { type LogOption, tellOperatorBy } from '../web/problem-log.ts'
import type { PageOptions } from '../web/problem-page.ts'
import { type ProblemSettings, readLog, readPages } from '../web/problem-settings.ts'
import { keptNames } from './kept-parameters.ts'
import { type CompletePaths, completePaths, PATHS, type PathOptions } from './paths.ts'
import {
  checkRedirectUri,
  checkResolvedRedirectUri,
  collectRedirectUris,
  refuseSharedByPublic,
  type SharedRedirectUri,
  sharedRedirectUris,
} from './redirect-uris.ts'

export interface SessionOptions {
  /**
   * Encrypts cookies and stored sessions: at least 32 random characters. Use a list to rotate it: the first one encrypts, and
   * all of them decrypt.
   */
  secret: string | undefined | readonly (string | undefined)[]
  /** Default: `memoryStore()`, for one process. With `cookieStore()` there is no state on the server, but it has limits. */
  store?: Store | MemoryStore | CookieStore | undefined
  /** How long a login lasts at most, in seconds. Use and refreshes do not extend it. Default 8 hours. */
  lifetimeSeconds?: number | undefined
  /** How long a login lasts without a request, in seconds. Default 1 hour. */
  idleSeconds?: number | undefined
  /** Time limit of the store, in seconds. Then the session that was read last is used, or the request gets a 503. Default 2. */
  storeTimeoutSeconds?: number | undefined
  /** Without `__Host-`. Default `fhir-auth.session`. Give each app on the same host a different name. */
  cookieName?: string | undefined
  /** `none` for an app shown in an EHR's frame. Default `lax`. */
  sameSite?: 'lax' | 'none' | undefined
}

/** The second parameter of `afterLogin`. */
export interface CompletedLogin {
  /** Whether the EHR has opened the app. */
  readonly isEhrLaunch: boolean
  /** The page of the app that the person is sent to. */
  readonly returnTo: string
  /** The parameters that `keepParameters` names. They come from the launch URL, so do not trust them. */
  readonly parameters: Readonly<Record<string, string>>
}

/** The hooks of an app. */
export interface LaunchHooks {
  /** Called after a login, before the person is sent on: e.g. to look up or create an account. If it throws, the login fails. */
  afterLogin?: ((fhir: FhirContext, login: CompletedLogin) => void | Promise<void>) | undefined
  /** Called after a refresh, with the context of the new token. */
  afterRefresh?: ((fhir: FhirContext) => void | Promise<void>) | undefined
  /** Called for logins, refreshes, failures and logouts, for logs and audits. No event contains a secret. */
  onEvent?: EventListener | undefined
}

/** Options of a SMART app launch: the registration at one server, or `registrations` for many. */
export type SmartLaunchOptions = LaunchOptions & (OneLaunchRegistration | ManyLaunchRegistrations)

/** One server, where people log in. */
export interface OneLaunchRegistration extends OneRegistration {
  /** Where the server sends the person back, exactly as registered. */
  redirectUri: string | undefined
}

/** Several servers, where people log in. */
export interface ManyLaunchRegistrations extends ManyRegistrations {
  /** Where the servers send the person back. Not needed if each entry of a list has its own. */
  redirectUri?: string | undefined
}

/** The options of a launch, without those of registrations. */
export interface LaunchOptions extends HttpOptions, LaunchHooks {
  session: SessionOptions
  paths?: PathOptions | undefined
  /**
   * Names of the app's own parameters on the launch and login URLs, such as `clinic` of `/launch?iss=…&launch=…&clinic=7`.
   * They are kept during the login, and passed to `afterLogin` and to the page after it. At most 10 names, and 500 characters
   * in all.
   */
  keepParameters?: readonly string[] | undefined
  /**
   * Allows public clients of several servers to share a redirect URI. A hostile server among them could then get the codes of
   * another (RFC 9700 §4.4). It is better to give each registration its own `redirectUri`. Default false.
   */
  allowSharedRedirectUri?: boolean | undefined
  /**
   * Origins of the EHRs that may show the pages of this library in a frame, such as `https://ehr.example.com` or
   * `https://*.ehr.example.com`. Pages of the app itself need a header of their own. Default: none.
   */
  frameAncestors?: readonly string[] | undefined
  /** How error pages look: the app's name, a link back, another language, or pages of the app's own. */
  pages?: PageOptions | undefined
  /**
   * The logger for problems, with the methods `error` and `warn`, such as pino or `console`; or `false` for none. Default: a
   * line of JSON on `console.error`. It contains no token, secret or patient.
   */
  log?: LogOption
  /** Whether a logout also logs out at the server, if the server supports it (OpenID Connect). Default false. */
  logoutAtServer?: boolean | undefined
  /** How long a login may take, in seconds. Default 600. */
  loginTimeoutSeconds?: number | undefined
  /** The clock, in milliseconds since the epoch. Default `Date.now`. */
  now?: (() => number) | undefined
}

/** All options, checked once. */
export interface SmartLaunchSettings extends CompletePaths {
  readonly clients: ClientDirectory<LaunchClient>
  readonly secrets: readonly string[]
  /** Whether sessions are in cookies. Then the store holds only what this process has to remember. */
  readonly sessionsInCookies: boolean
  readonly store: Store | MemoryStore
  readonly storeTimeoutSeconds: number
  readonly session: SessionSettings
  /** The origin of the app, from `redirectUri`, never from a request header. */
  readonly origin: string
  /** The names of all query parameters of redirect URIs. */
  readonly redirectParameterNames: ReadonlySet<string>
  /** Redirect URIs that several registrations share, unless `allowSharedRedirectUri` is set. */
  readonly sharedRedirectUris: readonly SharedRedirectUri[]
  readonly hooks: LaunchHooks
  readonly keepParameters: readonly string[]
  readonly problems: ProblemSettings
  readonly logoutAtServer: boolean
  readonly loginTimeoutSeconds: number
  readonly http: HttpOptions & { readonly timeoutSeconds: number }
  readonly now: () => number
}

const SESSION = {
  secret: checkSecrets,
  store: readSessionStore,
  lifetimeSeconds: positive(8 * 3600),
  idleSeconds: positive(3600),
  storeTimeoutSeconds: positive(2),
  cookieName: readCookieName,
  sameSite: oneOf('lax', 'none'),
} satisfies OptionRules<SessionOptions>

const OPTIONS = {
  ...REGISTRATION_SOURCE,
  ...HTTP_OPTIONS,
  session: group(SESSION),
  paths: group(PATHS),
  keepParameters: keptNames,
  allowSharedRedirectUri: flag(false),
  frameAncestors: checkedByReader(),
  pages: readPages,
  log: readLog,
  logoutAtServer: flag(false),
  loginTimeoutSeconds: positive(600),
  afterLogin: callable<NonNullable<LaunchHooks['afterLogin']>>(),
  afterRefresh: callable<NonNullable<LaunchHooks['afterRefresh']>>(),
  onEvent: callable<EventListener>(),
  now: clock,
} satisfies OptionRules<LaunchOptions & RegistrationSource>

/** @throws `invalid_option`, `insecure_url` naming the option and what to write instead */
export function checkSmartLaunchOptions(options: SmartLaunchOptions): SmartLaunchSettings {
  const given = readOptions(options, OPTIONS, 'smartLaunch()')
  const { session, now, fetch, timeoutSeconds, afterLogin, afterRefresh, onEvent, allowSharedRedirectUri } = given
  const redirect = checkRedirectUri(options.redirectUri ?? listedRedirectUri(options))
  const clients = createClientDirectory(options, 'smartLaunch()', (registration, owner) =>
    checkLaunchClient(registration, owner, {
      main: redirect,
      isResolved: typeof options.registrations === 'function',
      allowSharedRedirectUri,
    }),
  )
  const redirects = collectRedirectUris(redirect, clients.listed)
  const shared = allowSharedRedirectUri ? [] : sharedRedirectUris(clients.listed)
  for (const each of shared) refuseSharedByPublic(each)
  const secure = redirect.protocol === 'https:'
  const paths = completePaths(given.paths, redirects.paths)
  const { secret: secrets, cookieName, lifetimeSeconds, idleSeconds, sameSite = 'lax' } = session
  if (sameSite === 'none' && !secure)
    refuseOption("session.sameSite 'none' needs an https redirectUri: browsers refuse it otherwise.")
  return {
    clients,
    secrets,
    now,
    sessionsInCookies: session.store instanceof CookieStore,
    store: storeOf(session.store, now),
    storeTimeoutSeconds: session.storeTimeoutSeconds,
    session: { policy: { secure, sameSite }, cookieName, lifetimeSeconds, idleSeconds },
    origin: redirect.origin,
    ...paths,
    redirectParameterNames: redirects.parameterNames,
    sharedRedirectUris: shared,
    hooks: { afterLogin, afterRefresh, onEvent },
    keepParameters: given.keepParameters ?? [],
    problems: {
      pages: { ...given.pages, appUrl: given.pages.appUrl ?? paths.publicPaths.home },
      tellOperator: tellOperatorBy(given.log),
      ...{ loginUrl: paths.publicPaths.login, logoutUrl: paths.publicPaths.logout, pathPrefix: paths.pathPrefix },
      frameAncestors: readFrameAncestors(given.frameAncestors, 'smartLaunch(): frameAncestors'),
    },
    logoutAtServer: given.logoutAtServer,
    loginTimeoutSeconds: given.loginTimeoutSeconds,
    http: { fetch, timeoutSeconds },
  }
}

interface AppRedirectUri {
  readonly main: URL
  /** Whether `registrations` is a function. */
  readonly isResolved: boolean
  readonly allowSharedRedirectUri: boolean
}

function checkLaunchClient(registration: Registration, owner: string, app: AppRedirectUri): LaunchClient {
  const client = checkRegistration(registration, { flow: 'launch', defaultAuth: publicClient, owner })
  const url = checkRedirectUri(registration.redirectUri)
  if (url.origin !== app.main.origin) {
    refuseOption(`${owner}: every redirectUri must have the same origin, because the app's cookies belong to it.`)
  }
  const checked = Object.freeze({ ...client, redirectUri: registration.redirectUri ?? url.href })
  if (app.isResolved) {
    checkResolvedRedirectUri(url, app.main, owner)
    if (url.href === app.main.href && !app.allowSharedRedirectUri) {
      refuseSharedByPublic({ redirectUri: url.href, clients: [checked] })
    }
  }
  return checked
}

function listedRedirectUri({ registrations }: SmartLaunchOptions): string | undefined {
  return Array.isArray(registrations) ? (registrations as readonly Registration[])[0]?.redirectUri : undefined
}

function readSessionStore(value: unknown, option: string): SessionOptions['store'] {
  return value === undefined || value instanceof CookieStore ? value : readStore(value, option)
}

function storeOf(store: SessionOptions['store'], now: () => number): Store | MemoryStore {
  // With sessions in cookies, the store is only for the little that this process has to remember.
  return store === undefined || store instanceof CookieStore ? memoryStore({ now }) : store
}

function readCookieName(value: unknown = 'fhir-auth.session', option: string): string {
  if (typeof value === 'string' && /^[\w.-]+$/.test(value) && !value.startsWith('__')) return value
  return refuseOption(`${option} may have letters, digits, ".", "-" and "_"; the prefix __Host- is added for you.`)
}
