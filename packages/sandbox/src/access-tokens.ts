import type { default as Provider } from 'oidc-provider'
import { type Answer, jsonAnswer } from './answer.ts'
import type { FhirAccess } from './fhir/fhir-api.ts'
import { sharesPatient } from './launch-context.ts'
import type { RecordedRequest } from './request-record.ts'
import type { SandboxState } from './sandbox-state.ts'

/** What a bearer token stands for, or undefined when it is unknown, expired or revoked. */
export async function findAccess(
  provider: Provider,
  state: SandboxState,
  bearer: string,
): Promise<FhirAccess | undefined> {
  const token = (await provider.AccessToken.find(bearer)) ?? (await provider.ClientCredentials.find(bearer))
  if (!token || token.isExpired || token.clientId === undefined) return undefined
  const scopes = token.scope?.split(' ') ?? []
  const context = 'grantId' in token && token.grantId ? state.contexts.get(token.grantId) : undefined
  return {
    scopes,
    patient: sharesPatient(new Set(scopes)) ? context?.patient : undefined,
    clientId: token.clientId,
  }
}

/** Introspection by a client that shows its own access token (SMART App Launch 2.2 "Token Introspection"). */
export async function introspectWithBearer(
  provider: Provider,
  state: SandboxState,
  { headers, form }: RecordedRequest,
): Promise<Answer> {
  const noStore = { 'cache-control': 'no-store' }
  const caller = await findAccess(provider, state, headers.authorization?.slice('Bearer '.length) ?? '')
  if (!caller)
    return jsonAnswer(
      401,
      { error: 'invalid_token' },
      { ...noStore, 'www-authenticate': 'Bearer error="invalid_token"' },
    )
  const value = form.get('token') ?? ''
  const token =
    (await provider.AccessToken.find(value)) ??
    (await provider.ClientCredentials.find(value)) ??
    (await provider.RefreshToken.find(value))
  if (!token?.isValid) return jsonAnswer(200, { active: false }, noStore)
  const { clientId, scope, exp, iat } = token
  const extra = 'extra' in token ? token.extra : undefined
  const sub = 'accountId' in token ? token.accountId : undefined
  return jsonAnswer(
    200,
    { ...extra, active: true, client_id: clientId, scope, exp, iat, sub, iss: state.issuer },
    noStore,
  )
}
