import type { AppSetup } from './app/app-setup.ts'

/** How the suite gets an app that is built with the adapter under test. */
export interface AdapterHost {
  start(setup: AppSetup): Promise<StartedApp>
  capabilities?: Partial<Capabilities> | undefined
  /** How many cases the missing capabilities skip. Counted, so that skips cannot grow unseen. Default 0. */
  skips?: number | undefined
}

export interface StartedApp {
  /** `http://127.0.0.1:port`. The sandbox fetches the JWKS there, so it must really listen. */
  readonly origin: string
  close(): Promise<void>
  /** Everything that the app has printed so far, if it runs in another process. */
  output?(): string
}

/** All true unless the host says otherwise. */
export interface Capabilities {
  /** The app runs in the suite's process: a clock and a store can be injected. */
  inProcess: boolean
  /** The app can be mounted under a path. */
  mounting: boolean
  /** `smartLaunch` and `backendServices` can be mounted in either order. */
  anyOrder: boolean
  /** The framework lets an app have an error handler of its own. */
  errorHandler: boolean
}

export const ALL_CAPABILITIES: Capabilities = { inProcess: true, mounting: true, anyOrder: true, errorHandler: true }
