import type { LaunchClient } from '../client/client.ts'
import { publicClient } from '../client/client-auth.ts'
import { type ClientDirectory, createClientDirectory, type RegistrationSource } from '../client/client-directory.ts'
import { checkRegistration, REGISTRATION_OPTIONS, type Registration } from '../client/registration.ts'
import type { FhirAuthError } from '../errors.ts'
import type { EventListener } from '../events.ts'
import type { FhirContext } from '../fhir/fhir-context.ts'
import { checkSecureUrl } from '../http/secure-url.ts'
import type { HttpOptions } from '../http/send-bounded.ts'
import { checkKnownOptions, positiveNumber, refuseOption, requireText } from '../options.ts'
import { CookieStore } from '../session/cookie-store.ts'
import type { SessionSettings } from '../session/stored-sessions.ts'
import { MemoryStore, memoryStore } from '../store/memory-store.ts'
import { SealedStore } from '../store/sealed-store.ts'
import { checkSecrets } from '../store/sealing.ts'
import type { RecordStore, SessionStore } from '../store/store.ts'

export interface SessionOptions {
  /**
   * Seals cookies and stored sessions: at least 32 random characters. A list rotates it: the first seals, all open.
   */
  secret: string | undefined | readonly (string | undefined)[]
  /** Default: `memoryStore()`, for one process. `cookieStore()`: no state on the server, with limits of its own. */
  store?: SessionStore | MemoryStore | CookieStore | undefined
  /** How long a login lasts at the most, in seconds. Default 8 hours. */
  lifetimeSeconds?: number | undefined
  /** How long a login lasts without a request, in seconds. Default 1 hour. */
  idleSeconds?: number | undefined
  /** Longest wait for the store, in seconds; then a request is served from what was seen last, or gets a 503. Default 2. */
  storeTimeoutSeconds?: number | undefined
  /** Without `__Host-`. Default `fhir-auth.session`. Give each app of one host a name of its own. */
  cookieName?: string | undefined
  /** `none` for an app shown in an EHR's frame. Default `lax`. */
  sameSite?: 'lax' | 'none' | undefined
}

/** Paths as the app's framework sees them. Defaults are siblings of the callback: `/ehr/callback` gives `/ehr/login`. */
export interface PathOptions {
  /** Opened by the EHR with `iss` and `launch`. `false`: no EHR launch. */
  launch?: string | false | undefined
  /** Starts a standalone launch. `false`: none, the person must open the app from the EHR. */
  login?: string | false | undefined
  /** Default: the path of `redirectUri`. Set it where a proxy strips a prefix before the app. */
  callback?: string | undefined
  logout?: string | false | undefined
  /** Where a person lands after login without another wish. Default `/`. */
  home?: string | undefined
  /** Where a person lands after logout. Default `/`. */
  loggedOut?: string | undefined
}

/** Where an app hooks in. */
export interface LaunchHooks {
  /** After a login, before the person is sent on: e.g. to look up or create their account. What it throws ends the login. */
  afterLogin?: ((fhir: FhirContext) => void | Promise<void>) | undefined
  /** After a refresh, with the context of the new token. */
  afterRefresh?: ((fhir: FhirContext) => void | Promise<void>) | undefined
  /** Told of logins, refreshes, failures and logouts, for logs and audits; nothing in an event is a secret. */
  onEvent?: EventListener | undefined
}

/** Options of a SMART app launch: one server's registration in place, or `registrations` for many. */
export interface SmartLaunchOptions extends RegistrationSource, HttpOptions, LaunchHooks {
  session: SessionOptions
  paths?: PathOptions | undefined
  /** On logout, send the person to log out at the server too, where it can (OpenID Connect). Default false. */
  logoutAtServer?: boolean | undefined
  /** How long a login may take, in seconds. Default 600. */
  loginTimeoutSeconds?: number | undefined
  /** The clock, in milliseconds since the epoch. Default `Date.now`. */
  now?: (() => number) | undefined
}

/** All options, checked once. */
export interface SmartLaunchSettings {
  readonly clients: ClientDirectory<LaunchClient>
  readonly secrets: readonly string[]
  /** Sessions are in cookies, and the store only has what one process needs to remember. */
  readonly sessionsInCookies: boolean
  readonly openStore: (onFailure: (error: FhirAuthError) => void) => RecordStore
  readonly session: SessionSettings
  /** Of the app, from `redirectUri`: never from a request header. */
  readonly origin: string
  /** What a proxy strips before the app: public path = prefix + path. */
  readonly pathPrefix: string
  readonly paths: Readonly<Record<'launch' | 'login' | 'logout', string | undefined>> &
    Readonly<Record<'callback' | 'home' | 'loggedOut', string>>
  readonly hooks: LaunchHooks
  readonly logoutAtServer: boolean
  readonly loginTimeoutSeconds: number
  readonly http: HttpOptions & { readonly timeoutSeconds: number }
  readonly now: () => number
}

const OPTIONS = [
  ...REGISTRATION_OPTIONS,
  ...['registrations', 'session', 'paths', 'logoutAtServer', 'loginTimeoutSeconds', 'now'],
  ...['fetch', 'timeoutSeconds', 'afterLogin', 'afterRefresh', 'onEvent'],
]
const SESSION_OPTIONS = [
  ...['secret', 'store', 'lifetimeSeconds', 'idleSeconds', 'storeTimeoutSeconds', 'cookieName', 'sameSite'],
]

/** @throws `invalid_option`, `insecure_url` naming the option and what to write instead */
export function checkSmartLaunchOptions(options: SmartLaunchOptions): SmartLaunchSettings {
  checkKnownOptions(options, OPTIONS, 'smartLaunch()')
  const { session } = options
  checkKnownOptions(session ?? {}, SESSION_OPTIONS, 'session')
  const secrets = checkSecrets(session?.secret)
  const now = options.now ?? Date.now
  const redirect = checkRedirectUri(options.redirectUri ?? listedRedirectUri(options))
  const clients = createClientDirectory(options, 'smartLaunch()', checkLaunchClient)
  for (const { redirectUri } of clients.listed) {
    if (new URL(redirectUri).origin === redirect.origin && new URL(redirectUri).pathname === redirect.pathname) continue
    refuseOption('registrations: every redirectUri must be the same URL, since the app has one callback path.')
  }
  const secure = redirect.protocol === 'https:'
  const sameSite = session.sameSite ?? 'lax'
  if (sameSite !== 'lax' && sameSite !== 'none') refuseOption("session.sameSite must be 'lax' or 'none'.")
  if (sameSite === 'none' && !secure)
    refuseOption("session.sameSite 'none' needs an https redirectUri: browsers refuse it otherwise.")
  return {
    clients,
    secrets,
    now,
    sessionsInCookies: session.store instanceof CookieStore,
    openStore: storeOpener(session, secrets, now),
    session: {
      policy: { secure, sameSite },
      cookieName: checkCookieName(session.cookieName ?? 'fhir-auth.session'),
      lifetimeSeconds: positiveNumber(session.lifetimeSeconds, 8 * 3600, 'session.lifetimeSeconds'),
      idleSeconds: positiveNumber(session.idleSeconds, 3600, 'session.idleSeconds'),
    },
    origin: redirect.origin,
    ...checkPaths(options.paths, redirect.pathname),
    hooks: checkHooks(options),
    logoutAtServer: options.logoutAtServer ?? false,
    loginTimeoutSeconds: positiveNumber(options.loginTimeoutSeconds, 600, 'loginTimeoutSeconds'),
    http: {
      fetch: options.fetch,
      timeoutSeconds: positiveNumber(options.timeoutSeconds, 10, 'timeoutSeconds'),
    },
  }
}

function checkLaunchClient(registration: Registration): LaunchClient {
  const client = checkRegistration(registration, 'launch', publicClient)
  const redirectUri = checkRedirectUri(registration.redirectUri)
  return Object.freeze({ ...client, redirectUri: registration.redirectUri ?? redirectUri.href })
}

function checkRedirectUri(value: string | undefined): URL {
  const remedy = "Write the app's callback URL exactly as registered, e.g. 'https://portal.example.com/callback'."
  const url = checkSecureUrl(requireText(value, 'redirectUri', remedy), 'redirectUri')
  if (url.hash) refuseOption('redirectUri must have no fragment (RFC 6749 §3.1.2).')
  return url
}

function listedRedirectUri({ registrations }: SmartLaunchOptions): string | undefined {
  return Array.isArray(registrations) ? (registrations as readonly Registration[])[0]?.redirectUri : undefined
}

function storeOpener(
  { store, storeTimeoutSeconds }: SessionOptions,
  secrets: readonly string[],
  now: () => number,
): SmartLaunchSettings['openStore'] {
  const timeoutSeconds = positiveNumber(storeTimeoutSeconds, 2, 'session.storeTimeoutSeconds')
  if (store === undefined || store instanceof CookieStore) return () => memoryStore({ now })
  if (store instanceof MemoryStore) return () => store
  for (const method of ['get', 'set', 'swap', 'delete'] as const) {
    if (typeof store?.[method] !== 'function')
      refuseOption(`session.store has no method ${method}(). See SessionStore.`)
  }
  return (onFailure) => new SealedStore(store, { secrets, timeoutSeconds, now, onFailure })
}

function checkHooks({ afterLogin, afterRefresh, onEvent }: SmartLaunchOptions): LaunchHooks {
  for (const [name, hook] of Object.entries({ afterLogin, afterRefresh, onEvent })) {
    if (hook !== undefined && typeof hook !== 'function') refuseOption(`${name} must be a function.`)
  }
  return { afterLogin, afterRefresh, onEvent }
}

function checkPaths(
  options: PathOptions = {},
  redirectPath: string,
): Pick<SmartLaunchSettings, 'paths' | 'pathPrefix'> {
  checkKnownOptions(options, ['launch', 'login', 'callback', 'logout', 'home', 'loggedOut'], 'paths')
  const callback = checkPath(options.callback ?? redirectPath, 'paths.callback')
  if (!redirectPath.endsWith(callback)) {
    refuseOption(`paths.callback is ${callback}, with which the path of redirectUri (${redirectPath}) does not end.`)
  }
  const folder = callback.slice(0, callback.lastIndexOf('/') + 1)
  const path = (name: 'launch' | 'login' | 'logout') => {
    const given = options[name] ?? folder + name
    return given === false ? undefined : checkPath(given, `paths.${name}`)
  }
  const own = { callback, launch: path('launch'), login: path('login'), logout: path('logout') }
  const used = Object.values(own).filter((value) => value !== undefined)
  if (new Set(used).size < used.length) refuseOption('paths: launch, login, callback and logout must differ.')
  const home = checkPath(options.home ?? '/', 'paths.home')
  const loggedOut = checkPath(options.loggedOut ?? '/', 'paths.loggedOut')
  const paths = { ...own, home, loggedOut }
  return { paths, pathPrefix: redirectPath.slice(0, redirectPath.length - callback.length) }
}

function checkPath(path: string, option: string): string {
  if (typeof path === 'string' && /^\/(?![/\\])[^?#\s]*$/.test(path)) return path
  return refuseOption(`${option} must be a path such as '/login'. Query and host do not belong in it.`)
}

function checkCookieName(name: string): string {
  if (/^[\w.-]+$/.test(name) && !name.startsWith('__')) return name
  return refuseOption(
    'session.cookieName may have letters, digits, ".", "-" and "_"; the prefix __Host- is added for you.',
  )
}
