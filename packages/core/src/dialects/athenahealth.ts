import { type OptionRules, readOptions, textOrList } from '../options.ts'
import { defineDialect } from './define-dialect.ts'
import type { Dialect } from './dialect.ts'

export interface AthenahealthOptions {
  /** What `aud` of an id_token is, should it not be the client id: reported of athenaPractice and athenaFlow alone. */
  idTokenAudience?: string | readonly string[] | undefined
}

const OPTIONS = { idTokenAudience: textOrList } satisfies OptionRules<AthenahealthOptions>

/**
 * athenahealth: athenaOne's platform, and athenaPractice and athenaFlow. Source, where nothing else is said: the
 * smart-configuration of api.platform.athenahealth.com as captured in August 2026.
 *
 * Its `issuer` is on athena.okta.com while endpoints and keys are on its own host; each is used as published. Of athenaFlow
 * it is reported that discovery named an internal host (athenahealth/apiserver-athenaFlex issue 373): the registration's
 * `metadata.token_endpoint` overrides it.
 */
export function athenahealth(options: AthenahealthOptions = {}): Dialect {
  const { idTokenAudience } = readOptions(options, OPTIONS, 'athenahealth()')
  return defineDialect('athenahealth', {
    // PKCE worked while the preview host's discovery did not list it (report: client-js issue 174, 2023). It is listed
    // in 2026, but other hosts may still not.
    authorization: { pkce: 'force' },
    // A report of 2021 (athenahealth/apiserver-athenaFlex issue 200).
    idToken: { audience: idTokenAudience },
  })
}
