import { decodeJwt } from 'jose/jwt/decode'
import type { Client } from '../client/client.ts'
import type { ServerMetadata } from '../discovery/server-metadata.ts'
import { asFhirAuthError, FhirAuthError } from '../errors.ts'
import { fhirUserOf, type IdTokenExpectations, verifyIdToken } from '../oauth/id-token.ts'
import type { IssuerKeys } from '../oauth/issuer-keys.ts'
import { readLaunchContext } from '../oauth/launch-context.ts'
import type { AuthorizationServer } from '../oauth/token-request.ts'
import type { TokenResponse } from '../oauth/token-response.ts'
import type { LaunchRecord } from './record.ts'

export interface RecordSources {
  readonly client: Client
  readonly metadata: ServerMetadata
  readonly server: AuthorizationServer
  readonly issuerKeys: IssuerKeys
  readonly now: number
  /** Keep the id_token itself, for a logout at the server. */
  readonly keepsIdToken: boolean
}

/** What a launch has from its login on. */
export interface LaunchIdentity {
  readonly launchId: string
  /** When the login ends, in milliseconds since the epoch. */
  readonly endsAt: number
  readonly idToken: IdTokenExpectations
}

/** A launch with new tokens. */
export interface RefreshedLaunch {
  readonly launch: LaunchRecord
  /** Why the new id_token does not count, if it does not. The identity of before stays. */
  readonly idTokenFault: FhirAuthError | undefined
}

/**
 * The record of a new launch, its id_token verified.
 *
 * @throws `invalid_id_token`, and `invalid_token_response` for a patient or an encounter that is no FHIR id
 */
export async function recordLaunch(
  { launchId, endsAt, idToken: expected }: LaunchIdentity,
  response: TokenResponse,
  sources: RecordSources,
): Promise<LaunchRecord> {
  const { client, server, keepsIdToken } = sources
  const idToken = response.idToken ? await verifyIdToken(response.idToken, expected, sources) : undefined
  const { accessToken, expiresAt, lifetimeSeconds, scope, refreshToken } = response
  return Object.freeze({
    launchId,
    fhirBaseUrl: client.fhirBaseUrl,
    clientId: client.clientId,
    tokenEndpoint: server.tokenEndpoint,
    issuer: server.issuer,
    accessToken,
    refreshToken,
    expiresAt,
    lifetimeSeconds,
    endsAt,
    scope,
    ...readLaunchContext(response.members),
    fhirUser: fhirUserOf(idToken, client.fhirBaseUrl),
    idToken,
    idTokenHint: keepsIdToken ? response.idToken : undefined,
  })
}

/**
 * The record after a refresh. What the server did not send again stays as it was (SMART App Launch 2.2 "Refresh access
 * token"): refresh token, context, identity.
 *
 * @throws `invalid_id_token` when the new id_token names another person, `context_changed` when the answer names another
 *   patient or encounter
 */
export async function recordRefresh(
  previous: LaunchRecord,
  response: TokenResponse,
  sources: RecordSources,
): Promise<RefreshedLaunch> {
  const { launchId, endsAt } = previous
  const record = (answer: TokenResponse) =>
    recordLaunch({ launchId, endsAt, idToken: { nonce: undefined, sub: previous.idToken?.sub } }, answer, sources)
  let idTokenFault: FhirAuthError | undefined
  const next = await record(response).catch((cause: unknown) => {
    if (namesOtherPerson(response.idToken, previous)) {
      throw new FhirAuthError('invalid_id_token', 'The id_token of a refresh names another person.', { cause })
    }
    if (cause instanceof FhirAuthError && cause.code === 'invalid_token_response') {
      throw new FhirAuthError(
        'context_changed',
        'The server answered a refresh with a patient or an encounter that is no FHIR id. The launch is over: log in again.',
        { cause },
      )
    }
    // The refresh token may be used up: keys that cannot be fetched now must not cost the session.
    idTokenFault = asFhirAuthError(cause, 'invalid_id_token', 'The id_token of a refresh could not be verified.')
    return record({ ...response, idToken: undefined })
  })
  for (const resource of ['patient', 'encounter'] as const) {
    if (next[resource] === undefined || next[resource] === previous[resource]) continue
    throw new FhirAuthError(
      'context_changed',
      `The server answered a refresh with another ${resource} than the login had. The launch is over: log in again.`,
    )
  }
  const launch = Object.freeze({
    ...next,
    refreshToken: next.refreshToken ?? previous.refreshToken,
    patient: previous.patient,
    encounter: previous.encounter,
    launch: Object.freeze({ ...previous.launch, ...next.launch }),
    idToken: next.idToken ?? previous.idToken,
    idTokenHint: next.idTokenHint ?? previous.idTokenHint,
    fhirUser: next.fhirUser ?? previous.fhirUser,
  })
  return { launch, idTokenFault }
}

/** Even where the signature cannot be checked, another `sub` is reason enough to stop. */
function namesOtherPerson(idToken: string | undefined, { idToken: known }: LaunchRecord): boolean {
  if (idToken === undefined || known === undefined) return false
  try {
    return decodeJwt(idToken).sub !== known.sub
  } catch {
    return true
  }
}
