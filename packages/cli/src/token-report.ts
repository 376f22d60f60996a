import { ScopeSet } from '@fhir-auth/core'
import { adviceFor } from './advice/token-advice.ts'
import { attemptToken, type TokenAttempt } from './backend-token.ts'
import type { Connection, ShownSettings } from './connection.ts'
import type { CommandResult } from './finding.ts'
import {
  createCleaner,
  type Masking,
  type ShownAnswer,
  type ShownAssertion,
  type ShownRequest,
  shownAnswer,
  shownAssertion,
  shownRequest,
} from './masking.ts'

export interface TokenReport extends CommandResult {
  readonly fhirBaseUrl: string
  readonly configuration: ShownSettings
  readonly tokenEndpoint: string | undefined
  readonly discoveredIn: readonly string[]
  readonly assertion: ShownAssertion | undefined
  readonly request: ShownRequest | undefined
  readonly answer: ShownAnswer | undefined
  readonly token: TokenSummary | undefined
  readonly error: TokenFailure | undefined
}

export interface TokenSummary {
  readonly scope: string
  /** Asked for, but not granted. */
  readonly scopeMissing: readonly string[]
  readonly lifetimeSeconds: number
  /** Only when revealed. */
  readonly accessToken?: string
}

export interface TokenFailure {
  readonly code: string
  readonly message: string
  readonly error: string | undefined
  readonly errorDescription: string | undefined
  readonly retryAfterSeconds: number | undefined
  /** What to check, the likeliest first. */
  readonly check: readonly string[]
}

/** Gets a token, and reports what happened. */
export async function reportToken(connection: Connection, reveal: boolean): Promise<TokenReport> {
  return tokenReport(connection, await attemptToken(connection.client), reveal)
}

export function tokenReport(connection: Connection, attempt: TokenAttempt, reveal: boolean): TokenReport {
  const { client, secrets } = connection
  const { metadata, exchange, response } = attempt
  const masking: Masking = { reveal, secrets }
  const token: TokenSummary | undefined = response && {
    scope: response.scope,
    scopeMissing: ScopeSet.parse(response.scope).missing(client.scope),
    lifetimeSeconds: response.lifetimeSeconds,
    ...(reveal && { accessToken: response.accessToken }),
  }
  return {
    ok: token !== undefined,
    fhirBaseUrl: client.fhirBaseUrl,
    configuration: connection.settings,
    tokenEndpoint: metadata?.token_endpoint,
    discoveredIn: metadata?.sources ?? [],
    assertion: exchange && shownAssertion(exchange, masking),
    request: exchange && shownRequest(exchange, masking),
    answer: exchange && shownAnswer(exchange, masking),
    token,
    error: failureOf(connection, attempt, masking),
  }
}

function failureOf(
  { client, jwksUrl }: Connection,
  { error, exchange, metadata }: TokenAttempt,
  masking: Masking,
): TokenFailure | undefined {
  if (error === undefined) return undefined
  const header = exchange && shownAssertion(exchange, { reveal: false, secrets: [] })?.header
  const { kid, alg } = (header ?? {}) as { kid?: string; alg?: string } // the library's own assertion
  const check = adviceFor({
    error,
    authMethod: client.clientAuth.method,
    fhirBaseUrl: client.fhirBaseUrl,
    clientId: client.clientId,
    scope: client.scope,
    dialect: client.dialect.name,
    acceptedAlgorithms: metadata?.token_endpoint_auth_signing_alg_values_supported,
    jwksUrl,
    kid,
    alg,
    exchange,
    clockAheadSeconds: clockAheadSeconds(exchange?.answer?.headers),
  })
  const clean = exchange ? createCleaner(exchange, masking) : (text: string) => text
  return {
    code: error.code,
    message: clean(error.message),
    error: error.error && clean(error.error),
    errorDescription: error.error_description && clean(error.error_description),
    retryAfterSeconds: error.retryAfterSeconds,
    check,
  }
}

function clockAheadSeconds(headers: Headers | undefined): number | undefined {
  const served = Date.parse(headers?.get('date') ?? '')
  return Number.isNaN(served) ? undefined : Math.round((Date.now() - served) / 1000)
}
