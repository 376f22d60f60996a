import type { ClientRegistry } from './client-registry.ts'
import type { LaunchContext, LaunchHandles } from './launch-context.ts'
import type { ProviderStorage } from './memory-adapter.ts'
import type { SandboxMode } from './sandbox-options.ts'
import type { Users } from './users.ts'

/** What the parts of one sandbox share. */
export interface SandboxState {
  readonly mode: SandboxMode
  readonly issuer: string
  readonly fhirBaseUrl: string
  readonly tokenEndpoint: string
  readonly accessTokenSeconds: number
  readonly refreshTokenSeconds: number
  readonly authorizationCodeSeconds: number
  readonly rotateRefreshTokens: boolean
  /** Id of the patient who signs in without a page, or undefined where pages ask. */
  readonly autoPatient: string | undefined
  readonly storage: ProviderStorage
  readonly clients: ClientRegistry
  readonly users: Users
  readonly launches: LaunchHandles
  /** By grant id. */
  readonly contexts: Map<string, LaunchContext>
  refreshReuseDetections: number
}
