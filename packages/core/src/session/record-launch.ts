import { decodeJwt } from 'jose/jwt/decode'
import type { Client } from '../client/client.ts'
import type { ServerMetadata } from '../discovery/server-metadata.ts'
import { asFhirAuthError, FhirAuthError } from '../errors.ts'
import type { LaunchContext } from '../fhir/fhir-grant.ts'
import { fhirUserOf } from '../oauth/fhir-user.ts'
import { verifyIdToken } from '../oauth/id-token.ts'
import type { IdTokenExpectations } from '../oauth/id-token-claims.ts'
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
  /** Whether to keep the id_token itself, for a logout at the server. */
  readonly keepsIdToken: boolean
}

/** The members of a launch that do not change after the login. */
export interface LaunchIdentity {
  readonly launchId: string
  /** When the login ends, in milliseconds since the epoch. */
  readonly endsAt: number
  readonly idToken: IdTokenExpectations
  /** Whether the login asked for an id_token, by the scope `openid`. Then an id_token that is not valid ends the login. */
  readonly asksForIdToken: boolean
}

/** A launch with its tokens, and the parts of the token response that were ignored. */
export interface RecordedLaunch {
  readonly launch: LaunchRecord
  /** Why the id_token was ignored, if it was. After a refresh, the launch keeps its identity. */
  readonly idTokenFault: FhirAuthError | undefined
  /** Members of the token response that could not be read. */
  readonly unread: readonly string[]
}

/**
 * Makes the record of a new launch, and verifies its id_token.
 *
 * @throws `invalid_id_token` if the login asked for an id_token, and `invalid_token_response` for a patient or an encounter
 *   that is not a FHIR id
 */
export async function recordLaunch(
  { launchId, endsAt, idToken: expected, asksForIdToken }: LaunchIdentity,
  response: TokenResponse,
  sources: RecordSources,
): Promise<RecordedLaunch> {
  const { client, server, keepsIdToken } = sources
  let idTokenFault: FhirAuthError | undefined
  const verified = response.idToken ? verifyIdToken(response.idToken, expected, sources) : undefined
  const idToken = await verified?.catch((cause: unknown) => {
    idTokenFault = asFhirAuthError(cause, 'invalid_id_token', 'The id_token could not be verified.')
    if (asksForIdToken) throw idTokenFault
    return undefined
  })
  const { accessToken, expiresAt, lifetimeSeconds, scope, refreshToken } = response
  const { unread, ...context } = readLaunchContext(response.members)
  const launch = Object.freeze({
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
    ...context,
    fhirUser: fhirUserOf(idToken, client.fhirBaseUrl),
    idToken,
    idTokenHint: keepsIdToken && idTokenFault === undefined ? response.idToken : undefined,
  })
  return { launch, idTokenFault, unread: [...response.unread, ...unread] }
}

/**
 * Makes the record of a launch after a refresh. What the server did not send again stays as it was: refresh token, context,
 * identity (SMART App Launch 2.2 "Refresh access token"). An id_token that cannot be verified does not end the session: the
 * old refresh token may be used up, and perhaps the keys just cannot be fetched now.
 *
 * @throws `invalid_id_token` if the new id_token names another person, `context_changed` if the response names another
 *   patient or encounter
 */
export async function recordRefresh(
  previous: LaunchRecord,
  response: TokenResponse,
  sources: RecordSources,
): Promise<RecordedLaunch> {
  const { launchId, endsAt } = previous
  const idToken = { nonce: undefined, before: previous.idToken }
  const identity = { launchId, endsAt, idToken, asksForIdToken: false }
  const recorded = await recordLaunch(identity, response, sources).catch((cause: unknown) => {
    throw new FhirAuthError(
      'context_changed',
      'The server answered a refresh with a patient or an encounter that is not a FHIR id. The launch is over: log in again.',
      { cause },
    )
  })
  const { launch: next, idTokenFault, unread } = recorded
  if (idTokenFault !== undefined && namesOtherPerson(response.idToken, previous)) {
    throw new FhirAuthError('invalid_id_token', 'The id_token of a refresh names another person.', {
      cause: idTokenFault,
    })
  }
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
    launch: mergedContext(previous.launch, next.launch),
    idToken: next.idToken ?? previous.idToken,
    idTokenHint: next.idTokenHint ?? previous.idTokenHint,
    fhirUser: next.fhirUser ?? previous.fhirUser,
  })
  return { launch, idTokenFault, unread }
}

/** Longest launch context, as JSON: as long as one token response may be. */
const MAX_CONTEXT_LENGTH = 256 * 1024

/** Members that do not come again are kept. A server that sends new ones each time must not fill the store. */
function mergedContext(before: LaunchContext, next: LaunchContext): LaunchContext {
  const merged = { ...before, ...next }
  if (JSON.stringify(merged).length <= MAX_CONTEXT_LENGTH) return Object.freeze(merged)
  const { need_patient_banner, intent, smart_style_url, tenant } = before
  const kept = Object.entries({ need_patient_banner, intent, smart_style_url, tenant })
  return Object.freeze({ ...Object.fromEntries(kept.filter(([, value]) => value !== undefined)), ...next })
}

/** `iss` and `sub` together identify a person. Another person is reason to stop, even if the signature cannot be checked. */
function namesOtherPerson(idToken: string | undefined, { idToken: known }: LaunchRecord): boolean {
  if (idToken === undefined || known === undefined) return false
  try {
    const { iss, sub } = decodeJwt(idToken)
    return iss !== known.iss || sub !== known.sub
  } catch {
    return true
  }
}
