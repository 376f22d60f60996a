import type { Configuration, default as Provider } from 'oidc-provider'
import { authorizationRequestRules, settleScope } from './authorization-request-rules.ts'
import { assertionProblem, requestedTokenSeconds } from './client-assertion-rules.ts'
import { issueGrant, launchContextOf } from './grants.ts'
import { contextMembers } from './launch-context.ts'
import { loadProvider } from './load-provider.ts'
import { shapeAnswers } from './provider-answers.ts'
import { refusalPage } from './refusal-page.ts'
import type { SandboxState } from './sandbox-state.ts'
import type { SigningKey } from './signing-keys.ts'

export const clientAuthSigningAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
] as const

/** Listed by discovery; any other well-formed SMART scope is granted as well. */
export const advertisedScopes: readonly string[] = [
  'openid',
  'fhirUser',
  'profile',
  'offline_access',
  'online_access',
  'launch',
  'launch/patient',
  'launch/encounter',
  'patient/*.rs',
  'user/*.rs',
  'system/*.rs',
]

// The default lifetime of everything in the sandbox.
const daySeconds = 24 * 60 * 60

/** The authorization server: `oidc-provider`, with SMART's rules in its hooks. */
export async function createAuthorizationServer(
  state: SandboxState,
  key: SigningKey,
  cookieKey: string,
): Promise<Provider> {
  const { Provider, errors } = await loadProvider()
  const rules = authorizationRequestRules(state, errors)

  const configuration: Configuration = {
    adapter: state.storage.adapter,
    jwks: { keys: [key.jwk] },
    scopes: [...advertisedScopes],
    claims: { openid: ['sub'], fhirUser: ['fhirUser'], profile: ['profile'] },
    conformIdTokenClaims: false,
    clockTolerance: 5,
    clientBasedCORS: () => true,
    allowOmittingSingleRegisteredRedirectUri: false,
    responseTypes: ['code'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    enabledJWA: { clientAuthSigningAlgValues: [...clientAuthSigningAlgorithms], idTokenSigningAlgValues: ['RS256'] },
    cookies: { keys: [cookieKey] },
    routes: {
      authorization: '/authorize',
      token: '/token',
      jwks: '/jwks',
      introspection: '/introspect',
      revocation: '/revoke',
    },
    pkce: { required: () => state.mode === 'smart' },
    rotateRefreshToken: state.rotateRefreshTokens,
    expiresWithSession: () => false,
    issueRefreshToken: (_ctx, client, source) =>
      client.grantTypeAllowed('refresh_token') &&
      (source.scopes.has('offline_access') || source.scopes.has('online_access')),
    ttl: {
      AccessToken: state.accessTokenSeconds,
      ClientCredentials: (ctx) => requestedTokenSeconds(state, ctx.oidc.params?.client_assertion),
      RefreshToken: state.refreshTokenSeconds,
      AuthorizationCode: state.authorizationCodeSeconds,
      IdToken: 60 * 60,
      Interaction: 60 * 60,
      Session: daySeconds,
      Grant: daySeconds,
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: async () => true },
      revocation: {
        enabled: true,
        // RFC 7009 §2.1: a token of another client is refused.
        async allowedPolicy(_ctx, client, token) {
          if (token.clientId === client.clientId) return true
          throw new errors.InvalidRequest('the token was not issued to this client')
        },
      },
      // SMART scopes are an open set (queries, wildcards); only a resource server's scopes may be decided per request.
      resourceIndicators: {
        enabled: true,
        defaultResource: () => state.fhirBaseUrl,
        useGrantedResource: () => true,
        getResourceServerInfo(ctx, resource, client) {
          if (resource !== state.fhirBaseUrl) throw new errors.InvalidTarget()
          settleScope(ctx, state.clients.find(client.clientId), errors)
          const { AuthorizationCode, RefreshToken } = ctx.oidc.entities
          const scopes = [ctx.oidc.params?.scope, AuthorizationCode?.scope, RefreshToken?.scope]
          return {
            scope: scopes.filter((scope) => typeof scope === 'string').join(' '),
            audience: state.fhirBaseUrl,
            accessTokenFormat: 'opaque' as const,
          }
        },
      },
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    extraParams: rules,
    async loadExistingGrant(ctx) {
      const grantId = ctx.oidc.result?.consent?.grantId
      if (grantId !== undefined) return ctx.oidc.provider.Grant.find(grantId)
      if (state.autoPatient === undefined) return undefined
      const { client, params } = ctx.oidc
      const grant = await issueGrant(ctx.oidc.provider, state, {
        clientId: client?.clientId ?? '',
        scopes: String(params?.scope ?? '').split(' '),
        context: launchContextOf(state, params?.launch, { patient: state.autoPatient }),
      })
      return ctx.oidc.provider.Grant.find(grant)
    },
    async findAccount(_ctx, subject) {
      const user = state.users.userOf(subject)
      if (user === undefined) return undefined
      const fhirUser = `${state.fhirBaseUrl}/${user}`
      return { accountId: subject, claims: async () => ({ sub: subject, fhirUser, profile: fhirUser }) }
    },
    async extraTokenClaims(_ctx, token) {
      const context = 'grantId' in token && token.grantId ? state.contexts.get(token.grantId) : undefined
      if (!context) return undefined
      const scopes = new Set(token.scope?.split(' '))
      return {
        ...contextMembers(context, scopes),
        ...(scopes.has('fhirUser') ? { fhirUser: `${state.fhirBaseUrl}/${context.user}` } : {}),
      }
    },
    async assertJwtClientAuthClaimsAndHeader(_ctx, claims, header) {
      const problem = assertionProblem(claims, header, state.tokenEndpoint)
      if (problem !== undefined) throw new errors.InvalidClientAuth(problem)
    },
    async renderError(ctx, out) {
      ctx.type = 'html'
      ctx.body = refusalPage(state.clients, out, ctx.query)
    },
  }

  const provider = new Provider(state.issuer, configuration)
  shapeAnswers(provider, state)
  return provider
}
