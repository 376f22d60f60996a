import { secureUrl } from '../http/secure-url.ts'
import { type OptionRules, readOptions } from '../options.ts'
import { defineDialect } from './define-dialect.ts'
import type { Dialect } from './dialect.ts'

export interface MeditechOptions {
  /** Where the smart-configuration is. Default: `/.well-known/smart-configuration` at the root of the FHIR base URL's host. */
  discoveryUrl?: string | undefined
}

const OPTIONS = { discoveryUrl: secureUrl } satisfies OptionRules<MeditechOptions>

/**
 * MEDITECH Expanse. The source is both discovery documents of the Greenfield sandbox, captured in August 2026. We have not
 * seen hosts of customers.
 *
 * Its issuer ends with a slash, which is kept. `client_credentials` is advertised, but Greenfield answers
 * `unauthorized_client` to right credentials: it is enabled per client in production.
 *
 * @throws `invalid_option`, `insecure_url` for a `discoveryUrl` that is not https
 */
export function meditech(options: MeditechOptions = {}): Dialect {
  const { discoveryUrl } = readOptions(options, OPTIONS, 'meditech()')
  return defineDialect('meditech', {
    // The document is at the host's root, although the FHIR base has a path (`/v2/uscore/STU6`). SMART expects it below.
    discovery: { url: discoveryUrl ?? atHostRoot },
    // Only openid-configuration lists these, and it is not read if smart-configuration is complete. EC keys do not work.
    assertion: { algorithms: ['RS384', 'RS256', 'RS512'] },
  })
}

function atHostRoot(fhirBaseUrl: string): string {
  return new URL('/.well-known/smart-configuration', fhirBaseUrl).href
}
