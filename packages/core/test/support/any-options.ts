import type { BackendOptions } from '../../src/backend/options.ts'
import type { RegistrationSource } from '../../src/client/registration-source.ts'
import type { LaunchOptions, OneLaunchRegistration } from '../../src/launch/options.ts'

/** Options as tests put them together: any may be missing, and either form of registration may be there. */
export type AnyLaunchOptions = Partial<LaunchOptions> & RegistrationSource
export type AnyBackendOptions = Partial<BackendOptions> & Omit<RegistrationSource, 'redirectUri'>

/** Options of a launch with one server. */
export type OneLaunchOptions = LaunchOptions & OneLaunchRegistration
