import type { FhirProxyOptions, FhirRequirement, PageOptions, PathOptions } from '@fhir-auth/core'
import type { HandlerName } from './handlers.ts'

/** The app that a case wants, as JSON: it can be sent to another process or runtime. */
export interface AppRecipe {
  launch?: LaunchRecipe | undefined
  backend?: BackendRecipe | undefined
  /** `fhirProxy(options)`, after the launch. Paths are below the mount path. */
  proxy?: FhirProxyOptions | undefined
  /** Mounts `backendServices()` before `smartLaunch()`. */
  backendFirst?: boolean | undefined
  routes: readonly RouteRecipe[]
  /** Everything is mounted under this path: routes, launch and JWKS. */
  mountPath?: MountPath | undefined
  /** The adapter's option `problems`. */
  problems?: 'answer' | 'forward' | undefined
  /** The app has an error handler of its own. */
  errorHandler?: boolean | undefined
  /** The app has `fhirErrors()` as its error handler. */
  fhirErrors?: boolean | undefined
}

export type MountPath = '' | `/${string}`

export interface RouteRecipe {
  /** Below the mount path. All routes take GET. */
  path: `/${string}`
  /** Guarded by `requireFhir(requirement)`. Not guarded when undefined. */
  requirement?: FhirRequirement | undefined
  handler: HandlerName
  /** What the handler sets as `Cache-Control`, if it sets any. */
  cacheControl?: string | undefined
}

interface ClientRecipe {
  fhirBaseUrl: string
  clientId: string
  scope: string
}

export interface LaunchRecipe extends ClientRecipe {
  clientSecret: string
  sessionSecret: string
  /** Path and query of the redirect URI, below the mount path. Default `/callback`. */
  callback?: `/${string}` | undefined
  /** Default: the callback at the app's origin. */
  redirectUri?: string | undefined
  /** The app has further registrations, each with a redirect URI of its own. */
  others?: readonly OtherRegistration[] | undefined
  sameSite?: 'lax' | 'none' | undefined
  frameAncestors?: readonly string[] | undefined
  paths?: PathOptions | undefined
  keepParameters?: readonly string[] | undefined
  pages?: Omit<PageOptions, 'render'> | undefined
  log?: false | undefined
}

/** A registration at a server to which no case sends a request. */
export interface OtherRegistration {
  fhirBaseUrl: string
  /** Path and query, below the mount path. */
  callback: `/${string}`
}

export interface BackendRecipe extends ClientRecipe {
  /** A private JWK Set, as text. */
  privateJwks: string
}
