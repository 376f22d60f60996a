import type { KoaContextWithOIDC, errors as providerErrors } from 'oidc-provider'
import { launchContextOf } from './grants.ts'
import type { SandboxClient } from './sandbox-options.ts'
import type { SandboxState } from './sandbox-state.ts'
import { grantableScopes, isSystemScope } from './smart-scopes.ts'

type Errors = typeof providerErrors

/**
 * Replaces the asked scope by what may be granted, before anything else is derived from it.
 * Refresh requests are left alone: their scope is a subset of what was granted.
 */
export function settleScope(ctx: KoaContextWithOIDC, client: SandboxClient | undefined, errors: Errors): void {
  const { params, route } = ctx.oidc
  const backend = params?.grant_type === 'client_credentials'
  if (!params || (route !== 'authorization' && !backend)) return
  const asked = typeof params.scope === 'string' ? params.scope.split(' ') : []
  if (backend && asked.length === 0) throw new errors.InvalidScope('scope is required for client_credentials', '')
  const grantable = grantableScopes(asked, client?.scope?.split(' '))
  const scopes = grantable.filter((scope) => {
    if (backend) return isSystemScope(scope)
    // SMART App Launch 2.2: "launch" asks for the context of an EHR launch; without one there is nothing to grant.
    return !isSystemScope(scope) && !(scope === 'launch' && params.launch === undefined)
  })
  if (scopes.length === 0)
    throw new errors.InvalidScope('nothing of the requested scope can be granted', asked.join(' '))
  params.scope = scopes.join(' ')
}

type ParameterRule = (ctx: KoaContextWithOIDC, value: string | undefined) => Promise<void>

/** SMART's parameters of the authorization request. A refusal is sent back to the app as an error. */
export function authorizationRequestRules(state: SandboxState, errors: Errors): Record<string, ParameterRule> {
  return {
    async aud(_ctx, value) {
      if (state.mode !== 'smart' || value === state.fhirBaseUrl) return
      throw new errors.InvalidRequest(`aud must be ${state.fhirBaseUrl}, literally`)
    },
    async launch(ctx, value) {
      if (value === undefined) return
      if (!ctx.oidc.requestParamScopes.has('launch')) {
        throw new errors.InvalidRequest('an EHR launch must ask for the scope launch')
      }
      if (!state.launches.redeem(value)) throw new errors.InvalidRequest('launch is unknown, expired or already used')
    },
    // Asked last: by now the request is good, and a sandbox without pages can sign its patient in.
    async state(ctx) {
      if (state.autoPatient === undefined) return
      const { params, session } = ctx.oidc
      const { user } = launchContextOf(state, params?.launch, { patient: state.autoPatient })
      session?.loginAccount({ accountId: state.users.subjectOf(user) })
      if (params) params.prompt = undefined
    },
  }
}
