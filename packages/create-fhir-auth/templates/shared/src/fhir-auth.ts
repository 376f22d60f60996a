import type { {{serviceTypes}} } from '@fhir-auth/{{framework}}'
// #if backend
import { createBackend } from './backend.ts'
// #end
import type { Environment } from './environment.ts'
// #if login
import { createLaunch } from './launch.ts'
// #end
import type { AppStore } from './memory-store.ts'

export interface FhirAuth {
  // #if login
  launch: SmartLaunch
  // #end
  // #if backend
  backend: BackendServices
  /** What your staff sends to use the app's own token. */
  staffToken: string | undefined
  // #end
}

// #if onlyLogin
export function createFhirAuth(env: Environment, store: AppStore): FhirAuth {
  return { launch: createLaunch(env, store) }
}

/** Asks the store and the EHR. It stays true while the EHR is down: the app then tells each person. */
export async function isReady({ launch }: FhirAuth): Promise<boolean> {
  return (await launch.probe()).isHealthy
}

/** Waits until no refresh is under way, so that none is lost. */
export async function idle({ launch }: FhirAuth): Promise<void> {
  await launch.idle()
}
// #end
// #if onlyBackend
export async function createFhirAuth(env: Environment, store: AppStore): Promise<FhirAuth> {
  return { backend: await createBackend(env, store), staffToken: env.STAFF_TOKEN }
}

/** Asks for a token, unless there is a valid one. */
export async function isReady({ backend }: FhirAuth): Promise<boolean> {
  return (await backend.probe()).isHealthy
}

/** Waits until no token request is under way. */
export async function idle({ backend }: FhirAuth): Promise<void> {
  await backend.idle()
}
// #end
// #if both
export async function createFhirAuth(env: Environment, store: AppStore): Promise<FhirAuth> {
  return {
    launch: createLaunch(env, store),
    backend: await createBackend(env, store),
    staffToken: env.STAFF_TOKEN,
  }
}

/** Asks the store and the EHR. It stays true while the EHR is down: the app then tells each person. */
export async function isReady({ launch }: FhirAuth): Promise<boolean> {
  return (await launch.probe()).isHealthy
}

/** Waits until no refresh and no token request is under way, so that none is lost. */
export async function idle({ launch, backend }: FhirAuth): Promise<void> {
  await Promise.all([launch.idle(), backend.idle()])
}
// #end
