import type { Client } from '../client/client.ts'
import { type ClientAuth, privateKeyJwt } from '../client/client-auth.ts'
import { type ClientDirectory, createClientDirectory, type RegistrationSource } from '../client/client-directory.ts'
import { DEFAULT_JWKS_MAX_AGE_SECONDS, type KeySet } from '../client/key-set.ts'
import { checkRegistration, REGISTRATION_OPTIONS } from '../client/registration.ts'
import { createEmit, type Emit, type EventListener } from '../events.ts'
import type { HttpOptions } from '../http/send-bounded.ts'
import { checkKnownOptions, positiveNumber, refuseOption } from '../options.ts'
import { checkSecrets } from '../store/sealing.ts'
import type { SharedTokensOptions, TokenStore } from './token-store.ts'

/** Options of backend services: one server's registration in place, or `registrations` for many. */
export interface BackendServicesOptions extends Omit<RegistrationSource, 'redirectUri'>, HttpOptions {
  /** The app's signing keys, from `await loadKeySet(…)`. Their public part is served as the JWKS. */
  keys?: KeySet | undefined
  /** Path of the JWKS, as the framework sees it. Default `/.well-known/jwks.json`; `false` serves none. */
  jwksPath?: string | false | undefined
  /** How long servers may keep the JWKS, in seconds. Default 600. A retired key stays in it for that long and 10 minutes more. */
  jwksMaxAgeSeconds?: number | undefined
  /** Shares the tokens with the other processes of the app. Default: each process has its own. */
  sharedTokens?: SharedTokensOptions | undefined
  /** Told of each token and each failure, for logs and alarms; nothing in an event is a secret. */
  onEvent?: EventListener | undefined
  /** The clock, in milliseconds since the epoch. Default `Date.now`. */
  now?: (() => number) | undefined
}

/** All options, checked once. */
export interface BackendServicesSettings {
  readonly clients: ClientDirectory<Client>
  readonly keys: KeySet | undefined
  readonly jwksPath: string | undefined
  readonly jwksMaxAgeSeconds: number
  readonly sharedTokens: { readonly store: TokenStore; readonly secrets: readonly string[] } | undefined
  readonly timeoutSeconds: number
  readonly http: HttpOptions
  readonly emit: Emit
  readonly now: () => number
}

const OPTIONS = [
  ...REGISTRATION_OPTIONS.filter((name) => name !== 'redirectUri'),
  ...['registrations', 'keys', 'jwksPath', 'jwksMaxAgeSeconds', 'sharedTokens', 'now', 'fetch', 'timeoutSeconds'],
  'onEvent',
]

/** @throws `invalid_option`, `insecure_url` naming the option and what to write instead */
export function checkBackendServicesOptions(options: BackendServicesOptions): BackendServicesSettings {
  checkKnownOptions(options, OPTIONS, 'backendServices()')
  const { keys, jwksPath = '/.well-known/jwks.json' } = options
  if (keys !== undefined && typeof keys.publicJwks !== 'function') {
    refuseOption('keys must be a key set: write keys: await loadKeySet(process.env.PRIVATE_JWKS).')
  }
  if (jwksPath !== false && !/^\/(?!\/)[^?#\s]*$/.test(jwksPath)) {
    refuseOption("jwksPath must be a path such as '/.well-known/jwks.json', or false.")
  }
  const timeoutSeconds = positiveNumber(options.timeoutSeconds, 10, 'timeoutSeconds')
  const assertionAuth = (): ClientAuth => {
    if (keys === undefined) {
      refuseOption('keys is undefined. Write keys: await loadKeySet(process.env.PRIVATE_JWKS), or give a clientAuth.')
    }
    return privateKeyJwt(keys)
  }
  return {
    clients: createClientDirectory(options, 'backendServices()', (registration) =>
      checkRegistration(registration, 'backend', assertionAuth),
    ),
    keys,
    jwksPath: jwksPath === false || keys === undefined ? undefined : jwksPath,
    jwksMaxAgeSeconds: Math.ceil(
      positiveNumber(options.jwksMaxAgeSeconds, DEFAULT_JWKS_MAX_AGE_SECONDS, 'jwksMaxAgeSeconds'),
    ),
    sharedTokens: options.sharedTokens && checkSharedTokens(options.sharedTokens),
    timeoutSeconds,
    http: { fetch: options.fetch, timeoutSeconds },
    emit: createEmit(options.onEvent),
    now: options.now ?? Date.now,
  }
}

function checkSharedTokens(options: SharedTokensOptions): { store: TokenStore; secrets: readonly string[] } {
  checkKnownOptions(options, ['store', 'secret'], 'backendServices(): sharedTokens')
  const { store, secret } = options
  for (const method of ['get', 'set', 'swap', 'delete'] as const) {
    if (typeof store?.[method] !== 'function') {
      refuseOption(
        `sharedTokens.store has no method "${method}". Write sharedTokens: { store: redisStore(client), secret }.`,
      )
    }
  }
  return { store, secrets: checkSecrets(secret, 'sharedTokens.secret') }
}
