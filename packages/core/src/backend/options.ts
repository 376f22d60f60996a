import type { Client } from '../client/client.ts'
import { type ClientAuth, privateKeyJwt } from '../client/client-auth.ts'
import {
  type ClientDirectory,
  createClientDirectory,
  REGISTRATION_SOURCE,
  watchKeys,
} from '../client/client-directory.ts'
import { DEFAULT_JWKS_MAX_AGE_SECONDS } from '../client/keys/key-rules.ts'
import type { KeySet } from '../client/keys/key-set.ts'
import { checkRegistration } from '../client/registration.ts'
import type { ManyRegistrations, OneRegistration, RegistrationSource } from '../client/registration-source.ts'
import { createEmit, type Emit, type EventListener } from '../events.ts'
import { HTTP_OPTIONS, type HttpOptions, watchedHttp } from '../http/send-bounded.ts'
import {
  callable,
  clock,
  type OptionRules,
  optionalGroup,
  path,
  pathOrFalse,
  positive,
  readOptions,
  refuseOption,
} from '../options.ts'
import { readStore } from '../store/open-store.ts'
import { checkSecrets } from '../store/sealing.ts'
import { type LogOption, tellOperatorBy } from '../web/problem-log.ts'
import { DEFAULT_PROBLEM_SETTINGS, type ProblemSettings, readLog } from '../web/problem-settings.ts'
import type { SharedTokensOptions, SharedTokensSettings } from './shared-tokens.ts'

/** Options of backend services: the registration at one server, or `registrations` for many. */
export type BackendServicesOptions = BackendOptions & (OneBackendRegistration | ManyRegistrations | OnlyKeys)

/** One server, with `keys` or another client authentication. */
export type OneBackendRegistration = OneRegistration & ({ keys: KeySet | undefined } | { clientAuth: ClientAuth })

/** No server: only the JWKS is served, for example that of a launch with `privateKeyJwt()`. */
export type OnlyKeys = { [Name in keyof RegistrationSource]?: undefined } & (
  | { keys: KeySet | undefined }
  | { jwksByPath: Readonly<Record<string, KeySet>> }
)

/** The options of backend services, without those of registrations. */
export interface BackendOptions extends HttpOptions {
  /** The app's signing keys, from `await loadKeySet(…)`. Their public part is served as the JWKS. */
  keys?: KeySet | undefined
  /** Path of the JWKS, as the framework sees it. Default `/.well-known/jwks.json`; `false` serves none. */
  jwksPath?: string | false | undefined
  /**
   * Further JWKS, each at its own path: for registrations that have their own keys, by `clientAuth: privateKeyJwt(keys)`.
   * For example `{ '/tenants/a/jwks.json': keysOfA }`.
   */
  jwksByPath?: Readonly<Record<string, KeySet>> | undefined
  /** How long servers may cache the JWKS, in seconds. Default 600. A retired key stays in it for 10 minutes longer. */
  jwksMaxAgeSeconds?: number | undefined
  /** Shares the tokens with the other processes of the app. Default: each process has its own. */
  sharedTokens?: SharedTokensOptions | undefined
  /** Called for each token and each failure, for logs and alarms. No event contains a secret. */
  onEvent?: EventListener | undefined
  /** The logger for problems, or `false` for none. Default: a line of JSON on `console.error`. */
  log?: LogOption
  /** The clock, in milliseconds since the epoch. Default `Date.now`. */
  now?: (() => number) | undefined
}

/** All options, checked once. */
export interface BackendServicesSettings {
  readonly clients: ClientDirectory<Client>
  readonly keys: KeySet | undefined
  /** Whether there is no server to get tokens from. */
  readonly servesKeysOnly: boolean
  /** The first path of {@link jwks}. */
  readonly jwksPath: string | undefined
  /** The key set of each path. */
  readonly jwks: ReadonlyMap<string, KeySet>
  readonly jwksMaxAgeSeconds: number
  readonly sharedTokens: Pick<SharedTokensSettings, 'store' | 'secrets'> | undefined
  readonly timeoutSeconds: number
  readonly http: HttpOptions
  readonly emit: Emit
  readonly problems: ProblemSettings
  readonly now: () => number
}

const { redirectUri: _, ...REGISTRATION_WITHOUT_REDIRECT } = REGISTRATION_SOURCE

const SHARED_TOKENS = {
  store: readStore,
  secret: checkSecrets,
} satisfies OptionRules<SharedTokensOptions>

const OPTIONS = {
  ...REGISTRATION_WITHOUT_REDIRECT,
  ...HTTP_OPTIONS,
  keys: readKeys,
  jwksPath: pathOrFalse('/.well-known/jwks.json'),
  jwksByPath: readJwksByPath,
  jwksMaxAgeSeconds: positive(DEFAULT_JWKS_MAX_AGE_SECONDS),
  sharedTokens: optionalGroup(SHARED_TOKENS),
  onEvent: callable<EventListener>(),
  log: readLog,
  now: clock,
} satisfies OptionRules<BackendOptions & Omit<RegistrationSource, 'redirectUri'>>

/** @throws `invalid_option`, `insecure_url` naming the option and what to write instead */
export function checkBackendServicesOptions(options: BackendServicesOptions): BackendServicesSettings {
  const given = readOptions(options, OPTIONS, 'backendServices()')
  const { keys, jwksPath, jwksByPath, jwksMaxAgeSeconds, sharedTokens, fetch, timeoutSeconds, onEvent, now } = given
  const defaultAuth = (): ClientAuth => {
    if (keys === undefined) {
      refuseOption('keys is undefined. Write keys: await loadKeySet(process.env.PRIVATE_JWKS), or give a clientAuth.')
    }
    return privateKeyJwt(keys)
  }
  const emit = createEmit(onEvent)
  const jwks = new Map(Object.entries(jwksByPath))
  if (keys !== undefined && jwksPath !== false) {
    if (jwks.has(jwksPath))
      refuseOption(`jwksByPath has ${jwksPath}, where keys is served. Set jwksPath to another path.`)
    jwks.set(jwksPath, keys)
  }
  const names = Object.keys(REGISTRATION_WITHOUT_REDIRECT) as (keyof typeof REGISTRATION_WITHOUT_REDIRECT)[] // its own
  // One that is there and undefined comes from the environment, where it is missing: that is a fault.
  const servesKeysOnly = jwks.size > 0 && names.every((name) => !Object.hasOwn(options, name))
  const clients: ClientDirectory<Client> = servesKeysOnly
    ? { listed: [], find: () => undefined }
    : createClientDirectory(options, 'backendServices()', (registration, owner) =>
        checkRegistration(registration, { flow: 'backend', defaultAuth, owner }),
      )
  watchKeys(clients.listed, keys, emit)
  return {
    clients,
    keys,
    servesKeysOnly,
    jwksPath: [...jwks.keys()][0],
    jwks,
    jwksMaxAgeSeconds: Math.ceil(jwksMaxAgeSeconds),
    sharedTokens: sharedTokens && { store: sharedTokens.store, secrets: sharedTokens.secret },
    timeoutSeconds,
    http: watchedHttp({ fetch, timeoutSeconds }, onEvent, emit),
    emit,
    problems: { ...DEFAULT_PROBLEM_SETTINGS, tellOperator: tellOperatorBy(given.log) },
    now,
  }
}

function readKeys(value: unknown, option: string): KeySet | undefined {
  if (value === undefined || isKeySet(value)) return value
  return refuseOption(`${option} must be a key set: write keys: await loadKeySet(process.env.PRIVATE_JWKS).`)
}

function readJwksByPath(value: unknown, option: string): Readonly<Record<string, KeySet>> {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null) {
    refuseOption(`${option} must be an object such as { '/tenants/a/jwks.json': keys }.`)
  }
  const checkPath = path(undefined)
  const sets = Object.entries(value).map(([name, set]): [string, KeySet] => {
    checkPath(name, `${option}: "${name}"`)
    return [name, isKeySet(set) ? set : refuseOption(`${option}["${name}"] must be a key set of loadKeySet().`)]
  })
  return Object.fromEntries(sets)
}

/** Not `instanceof`, so that a key set of another copy of this package is accepted. */
function isKeySet(value: unknown): value is KeySet {
  return typeof (value as KeySet | null)?.publicJwks === 'function'
}
