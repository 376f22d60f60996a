import { ScopeSet } from '../fhir/scope-set.ts'
import { refuseOption } from '../options.ts'
import { defineDialect } from './define-dialect.ts'
import type { Dialect } from './dialect.ts'

/**
 * Oracle Health (Cerner Millennium). Sources: the vendor's manual of May 2024 (github.com/cerner/fhir.cerner.com,
 * `content/authorization*`), and the smart-configuration of a code-console tenant, captured in August 2026.
 *
 * PKCE stays on: the manual of 2024 says "not currently implemented" for native apps, but the server of 2026 lists S256, and
 * a server that does not know the parameters ignores them (RFC 6749 §3.1). `aud` is mandatory there, and is always sent. A
 * refresh returns no new refresh token (manual), so the old one is kept, as RFC 6749 §6 says.
 */
export function oracleHealth(): Dialect {
  return defineDialect('oracle-health', {
    // Manual, "OpenID Connect": the id_token's issuer is not the one in smart-configuration. That issuer's own
    // openid-configuration is not read: its endpoints are dummies, and smart-configuration has the same `jwks_uri`.
    idToken: { issuer: isIssuerOfTenant },
    check: ({ authMethod, scope }) => {
      // The capture lists client_secret_basic and private_key_jwt; the manual has no other way either.
      if (authMethod === 'client_secret_post') {
        refuseOption(
          'oracleHealth(): Oracle Health takes the secret in the Authorization header. Use clientSecretBasic(secret).',
        )
      }
      // Manual, "Scopes": a scope names one resource type, and read or write. The capture lists 303 scopes, v1 and v2,
      // without wildcards.
      const wildcard = ScopeSet.parse(scope).scopes.find(
        (item) =>
          item.kind === 'resource' &&
          (item.resourceType === '*' || (item.version === 1 && item.interactions === 'cruds')),
      )
      if (wildcard === undefined) return
      refuseOption(
        `oracleHealth(): Oracle Health has no wildcard scopes such as "${wildcard.text}". Name each resource type and right, e.g. patient/Observation.rs.`,
      )
    },
  })
}

/**
 * `https://authorization.cerner.com/tenants/{tenant}/oidc/idsps/{identity provider}/`, below the discovered
 * `https://authorization.cerner.com/tenants/{tenant}`. All tenants share one JWKS, so a valid signature does not tell the
 * tenant. The tenant must match exactly.
 */
function isIssuerOfTenant(issuer: string, discovered: string | undefined): boolean {
  if (discovered === undefined) return false
  // SMART's own rule, in case the vendor follows it one day.
  if (issuer === discovered) return true
  const providers = `${discovered.replace(/\/$/, '')}/oidc/idsps/`
  return issuer.startsWith(providers) && /^[\w-]+\/$/.test(issuer.slice(providers.length))
}
