import type { Dialect } from '../dialects/dialect.ts'
import type { ClientAuth } from './client-auth.ts'
import type { StaticMetadata } from './static-metadata.ts'

/** A registration that passed every check; what the flows work with. */
export interface Client {
  readonly fhirBaseUrl: string
  readonly clientId: string
  readonly clientAuth: ClientAuth
  readonly dialect: Dialect
  readonly scope: string
  readonly metadata: StaticMetadata
  readonly tokenUrls?: readonly string[] | undefined
  readonly allowPrivateNetwork?: boolean | undefined
}

/** A client that people log in through: it has somewhere to come back to. */
export interface LaunchClient extends Client {
  readonly redirectUri: string
}
