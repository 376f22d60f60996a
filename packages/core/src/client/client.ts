import type { Dialect } from '../dialects/dialect.ts'
import type { ClientAuth } from './client-auth.ts'
import type { StaticMetadata } from './static-metadata.ts'

/** A registration that has passed all checks. */
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

/** A client for logins, which has a redirect URI. */
export interface LaunchClient extends Client {
  readonly redirectUri: string
}
