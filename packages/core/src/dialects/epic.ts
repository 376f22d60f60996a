import { refuseOption } from '../options.ts'
import { defineDialect } from './define-dialect.ts'
import type { Dialect } from './dialect.ts'

/**
 * Epic. It follows SMART App Launch 2.2 wherever a dialect has a rule. So this dialect only refuses a configuration that Epic
 * does not support.
 *
 * What is known of Epic and needs no rule:
 * - Basic credentials must not be URL-encoded first, although RFC 6749 requires it (community report, community.fhir.org
 *   topic 4312). `clientSecretBasic` does not encode them by default.
 * - `aud` of the assertion is the token endpoint, `exp` at most 5 minutes away, each `jti` new; RS384 by custom, ES256
 *   and ES384 with a JWKS URL (samples of users). The metadata of fhir.epic.com lists no algorithm (capture, July 2026),
 *   so the first key of the set signs.
 * - Errors come with `error_description: null` (report); access tokens are opaque; a refresh token may come although
 *   `offline_access` is not in the granted scope (client-js issues 101 and 138).
 * - `scopes_supported` lists no resource scope, and there is no revocation endpoint (capture): neither is relied on.
 */
export function epic(): Dialect {
  return defineDialect('epic', {
    check: ({ flow, authMethod }) => {
      // "JWTs are required to be used by the client credentials flow used by backend services": Epic's page on JSON Web
      // Tokens, as copied at docs.intraconnects.com.
      if (flow !== 'backend' || authMethod === 'private_key_jwt') return
      refuseOption(
        'epic(): Epic gives system tokens only for a signed assertion. Write keys: await loadKeySet(process.env.PRIVATE_JWKS) instead of clientAuth.',
      )
    },
  })
}
