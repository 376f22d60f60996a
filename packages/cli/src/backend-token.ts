import { FhirAuthError } from '@fhir-auth/core'
import {
  type Client,
  clientCredentialsGrant,
  discover,
  requireEndpoint,
  type ServerMetadata,
  type TokenResponse,
} from '@fhir-auth/core/protocol'
import { type Exchange, recordingFetch } from './recording-fetch.ts'

/** One attempt to get a token, with all requests and responses. */
export interface TokenAttempt {
  readonly metadata: ServerMetadata | undefined
  /** Undefined when nothing was sent to the token endpoint. */
  readonly exchange: Exchange | undefined
  readonly response: TokenResponse | undefined
  readonly error: FhirAuthError | undefined
}

/** Requests a backend token exactly as the library does. */
export async function attemptToken(client: Client): Promise<TokenAttempt> {
  const recording = recordingFetch()
  let metadata: ServerMetadata | undefined
  const attempt = (outcome: { response?: TokenResponse; error?: FhirAuthError }): TokenAttempt => ({
    metadata,
    exchange: recording.exchanges[0],
    response: outcome.response,
    error: outcome.error,
  })
  try {
    const target = { ...client, discovery: client.dialect.discovery }
    metadata = (await discover(target, ['token_endpoint'], {})).metadata
    const server = {
      tokenEndpoint: requireEndpoint(metadata, 'token_endpoint'),
      issuer: metadata.issuer,
      acceptedAlgorithms: metadata.token_endpoint_auth_signing_alg_values_supported,
    }
    const channel = { http: { fetch: recording.fetch }, now: Date.now }
    return attempt({ response: await clientCredentialsGrant(client.scope, { client, server, channel }) })
  } catch (error) {
    if (error instanceof FhirAuthError) return attempt({ error })
    throw error
  }
}
