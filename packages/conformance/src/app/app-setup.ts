import {
  type BackendServicesOptions,
  clientSecretBasic,
  type FhirProxyOptions,
  type FhirRequirement,
  loadKeySet,
  type SessionOptions,
  type SmartLaunchOptions,
} from '@fhir-auth/core'
import type { AppRecipe, MountPath } from './app-recipe.ts'
import { type RouteHandler, routeHandlers } from './handlers.ts'

/**
 * The app that a host builds with its framework and the adapter under test. Options are functions of the app's origin,
 * because the redirect URI and JWKS URL contain its port.
 */
export interface AppSetup {
  /** `smartLaunch(options)` of the adapter, if the app logs people in. Mounted before `backendServices`. */
  readonly smartLaunch: ((origin: string) => SmartLaunchOptions) | undefined
  /** `backendServices(options)` of the adapter, if the app has a token of its own. */
  readonly backendServices: ((origin: string) => BackendServicesOptions) | undefined
  /** `fhirProxy(options)` of the adapter, if pages read FHIR. Mounted last. */
  readonly fhirProxy: FhirProxyOptions | undefined
  /** The other order: backendServices first. Needs the capability `anyOrder`. */
  readonly backendFirst: boolean
  readonly routes: readonly AppRoute[]
  /** Where all of it is mounted: `''` for the root, or a path such as `/ehr`. */
  readonly mountPath: MountPath
  /** The adapter's option `problems`. */
  readonly problems: 'answer' | 'forward'
  /** Whether to install an error handler that answers with {@link answerOfError}; else the framework's own stays. */
  readonly errorHandler: boolean
  /** Whether to install the adapter's `fhirErrors()`, in a framework that needs it. */
  readonly fhirErrors: boolean
  /** For a framework that does not log to the console, so that the suite sees what is logged. */
  readonly log: { write(line: string): void }
  /** The same app as JSON, for a host in another process: `createAppSetup(recipe)` there. */
  readonly recipe: AppRecipe
}

export interface AppRoute {
  /** Below the mount path; answers GET. */
  readonly path: `/${string}`
  /** Guard the route with `requireFhir(requirement)`, unless undefined. */
  readonly requirement: FhirRequirement | undefined
  /** Set it on the answer, unless undefined. */
  readonly cacheControl: string | undefined
  /** Returns the JSON of the route. A rejection goes to the framework's error handling. */
  readonly handle: RouteHandler
}

/** Parts that cannot be sent to another process. */
export interface InjectedParts {
  /** The clock of launch and backend. */
  now?: (() => number) | undefined
  store?: SessionOptions['store'] | undefined
  log?: AppSetup['log'] | undefined
  /** Gets the events of the proxy. */
  onProxied?: FhirProxyOptions['onEvent']
}

export async function createAppSetup(recipe: AppRecipe, parts: InjectedParts = {}): Promise<AppSetup> {
  const { launch, backend, mountPath = '' } = recipe
  const { now } = parts
  const keys = backend && (await loadKeySet(backend.privateJwks))
  return {
    smartLaunch:
      launch &&
      ((origin) => {
        const {
          clientSecret,
          sessionSecret,
          sameSite,
          redirectUri,
          callback = '/callback',
          others,
          ...options
        } = launch
        const { fhirBaseUrl, clientId, scope, ...shared } = options
        const base = origin + mountPath
        const client = { clientId, scope, clientAuth: clientSecretBasic(clientSecret) }
        const own = { ...client, fhirBaseUrl, redirectUri: redirectUri ?? base + callback }
        const more = others?.map((other) => ({
          ...client,
          fhirBaseUrl: other.fhirBaseUrl,
          redirectUri: base + other.callback,
        }))
        return {
          ...shared,
          ...(more ? { registrations: [own, ...more] } : own),
          session: { secret: sessionSecret, sameSite, store: parts.store },
          now,
        }
      }),
    backendServices:
      backend &&
      (() => {
        const { privateJwks: _, ...options } = backend
        return { ...options, keys, jwksPath: `${mountPath}/.well-known/jwks.json`, now }
      }),
    fhirProxy: recipe.proxy && {
      ...recipe.proxy,
      path: `${mountPath}${recipe.proxy.path ?? '/fhir'}`,
      session: recipe.proxy.session === false ? false : `${mountPath}${recipe.proxy.session ?? '/session'}`,
      onEvent: parts.onProxied,
    },
    backendFirst: recipe.backendFirst ?? false,
    routes: recipe.routes.map(({ path, requirement, handler, cacheControl }) => ({
      path,
      requirement,
      cacheControl,
      handle: routeHandlers[handler],
    })),
    mountPath,
    problems: recipe.problems ?? 'answer',
    errorHandler: recipe.errorHandler ?? false,
    fhirErrors: recipe.fhirErrors ?? false,
    log: parts.log ?? { write: () => {} },
    recipe,
  }
}
