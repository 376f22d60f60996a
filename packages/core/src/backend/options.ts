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
export type BackendServicesOptions = BackendOptions & (OneBackendRegistration | ManyRegistrations)

/** One server, with `keys` or another client authentication. */
export type OneBackendRegistration = OneRegistration & ({ keys: KeySet | undefined } | { clientAuth: ClientAuth })

/** The options of backend services, without those of registrations. */
export interface BackendOptions extends HttpOptions {
  /** The app's signing keys, from `await loadKeySet(…)`. Their public part is served as the JWKS. */
  keys?: KeySet | undefined
  /** Path of the JWKS, as the framework sees it. Default `/.well-known/jwks.json`; `false` serves none. */
  jwksPath?: string | false | undefined
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
  readonly jwksPath: string | undefined
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
  jwksMaxAgeSeconds: positive(DEFAULT_JWKS_MAX_AGE_SECONDS),
  sharedTokens: optionalGroup(SHARED_TOKENS),
  onEvent: callable<EventListener>(),
  log: readLog,
  now: clock,
} satisfies OptionRules<BackendOptions & Omit<RegistrationSource, 'redirectUri'>>

/** @throws `invalid_option`, `insecure_url` naming the option and what to write instead */
export function checkBackendServicesOptions(options: BackendServicesOptions): BackendServicesSettings {
  const given = readOptions(options, OPTIONS, 'backendServices()')
  const { keys, jwksPath, jwksMaxAgeSeconds, sharedTokens, fetch, timeoutSeconds, onEvent, now } = given
  const defaultAuth = (): ClientAuth => {
    if (keys === undefined) {
      refuseOption('keys is undefined. Write keys: await loadKeySet(process.env.PRIVATE_JWKS), or give a clientAuth.')
    }
    return privateKeyJwt(keys)
  }
  const emit = createEmit(onEvent)
  const clients = createClientDirectory(options, 'backendServices()', (registration, owner) =>
    checkRegistration(registration, { flow: 'backend', defaultAuth, owner }),
  )
  watchKeys(clients.listed, keys, emit)
  return {
    clients,
    keys,
    jwksPath: jwksPath === false || keys === undefined ? undefined : jwksPath,
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

/** Not `instanceof`, so that a key set of another copy of this package is accepted. */
function isKeySet(value: unknown): value is KeySet {
  return typeof (value as KeySet | null)?.publicJwks === 'function'
}
