import { decodeJwt } from 'jose/jwt/decode'
import type { Client } from '../client/client.ts'
import type { ServerMetadata } from '../discovery/server-metadata.ts'
import { FhirAuthError } from '../errors.ts'
import { FhirContext } from '../fhir/fhir-context.ts'
import type { TokenSource } from '../fhir/fhir-fetch.ts'
import { ScopeSet } from '../fhir/scope-set.ts'
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

/**
 * The record of a new launch, its id_token verified.
 *
 * @throws `invalid_id_token`
 */
export async function recordLaunch(
  launchId: string,
  response: TokenResponse,
  expected: IdTokenExpectations,
  sources: RecordSources,
): Promise<LaunchRecord> {
  const { client, metadata, server, issuerKeys, now, keepsIdToken } = sources
  const idToken = response.idToken
    ? await verifyIdToken(response.idToken, client, metadata, expected, issuerKeys, now)
    : undefined
  return Object.freeze({
    launchId,
    fhirBaseUrl: client.fhirBaseUrl,
    clientId: client.clientId,
    tokenEndpoint: server.tokenEndpoint,
    issuer: server.issuer,
    ...tokenMembers(response),
    refreshToken: response.refreshToken,
    ...readLaunchContext(response.members),
    fhirUser: fhirUserOf(idToken, client.fhirBaseUrl),
    idToken,
    idTokenHint: keepsIdToken ? response.idToken : undefined,
  })
}

/**
 * The record after a refresh: what the server did not send again stays as it was (SMART App Launch 2.2 "Refresh access
 * token"): refresh token, context, identity.
 *
 * @throws `invalid_id_token` when the new id_token names another person
 */
export async function recordRefresh(
  previous: LaunchRecord,
  response: TokenResponse,
  sources: RecordSources,
): Promise<LaunchRecord> {
  const record = (answer: TokenResponse) =>
    recordLaunch(previous.launchId, answer, { nonce: undefined, sub: previous.idToken?.sub }, sources)
  const next = await record(response).catch((error: unknown) => {
    if (namesOtherPerson(response.idToken, previous)) {
      throw new FhirAuthError('invalid_id_token', 'The id_token of a refresh names another person.', { cause: error })
    }
    // The refresh token may be used up: keys that cannot be had now must not cost the session. The identity stays.
    return record({ ...response, idToken: undefined })
  })
  return Object.freeze({
    ...next,
    refreshToken: next.refreshToken ?? previous.refreshToken,
    patient: next.patient ?? previous.patient,
    encounter: next.encounter ?? previous.encounter,
    launch: Object.freeze({ ...previous.launch, ...next.launch }),
    idToken: next.idToken ?? previous.idToken,
    idTokenHint: next.idTokenHint ?? previous.idTokenHint,
    fhirUser: next.fhirUser ?? previous.fhirUser,
  })
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

/** A launch that is over: a name without tokens, so that its tab is told so and never gets another launch's patient. */
export function endedLaunch(record: LaunchRecord): LaunchRecord {
  return Object.freeze({ ...record, accessToken: '', refreshToken: undefined, idTokenHint: undefined, expiresAt: 0 })
}

/** The context that a handler gets for a record. */
export function contextOfRecord(record: LaunchRecord, tokens: TokenSource, send: typeof globalThis.fetch): FhirContext {
  return new FhirContext({ ...record, scope: ScopeSet.parse(record.scope) }, tokens, send)
}

function tokenMembers({ accessToken, expiresAt, lifetimeSeconds, scope }: TokenResponse) {
  return { accessToken, expiresAt, lifetimeSeconds, scope }
}
