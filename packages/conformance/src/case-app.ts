import type { FhirProxyOptions, SessionOptions } from '@fhir-auth/core'
import type { BackendRecipe, LaunchRecipe, RouteRecipe } from './app/app-recipe.ts'

/** How the app of a case differs from the usual one: a portal with an open, a guarded and a failing route. */
export interface CaseApp {
  /** `false` for no launch; otherwise the differences from the usual launch. */
  launch?: Partial<LaunchRecipe> | false | undefined
  /** `true`: with backend services. Default false. */
  backend?: Partial<BackendRecipe> | boolean | undefined
  /** With a FHIR proxy. */
  proxy?: FhirProxyOptions | undefined
  /** The server of the app's registration: the sandbox, the hostile server, or one registration at each. Default `sandbox`. */
  registeredAt?: 'sandbox' | 'hostile' | 'both' | undefined
  backendFirst?: boolean | undefined
  routes?: readonly RouteRecipe[] | undefined
  mountPath?: `/${string}` | undefined
  problems?: 'answer' | 'forward' | undefined
  errorHandler?: boolean | undefined
  /** With the adapter's `fhirErrors()`. Default false. */
  fhirErrors?: boolean | undefined
  /** Needs the capability `inProcess`. */
  store?: (() => SessionOptions['store']) | undefined
}

/** The default routes. */
export const USUAL_ROUTES: readonly RouteRecipe[] = [
  { path: '/', handler: 'whoami' },
  { path: '/open', handler: 'whoami' },
  { path: '/guarded', handler: 'whoami', requirement: {} },
  { path: '/read', handler: 'read', requirement: {} },
  { path: '/json', handler: 'json', requirement: {} },
  { path: '/meet', handler: 'meet', requirement: {} },
  { path: '/fail', handler: 'fail' },
]

/** The default routes of an app without people. Its guards do not check the visitor. */
export const JOB_ROUTES: readonly RouteRecipe[] = USUAL_ROUTES.map((route) =>
  route.requirement ? { ...route, requirement: { visitor: 'unchecked' } } : route,
)

export const USUAL_SCOPE = 'openid fhirUser launch/patient patient/*.rs offline_access'
