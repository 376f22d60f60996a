import { type OptionRules, readOptions, textOrList } from '../options.ts'
import { defineDialect } from './define-dialect.ts'
import type { Dialect } from './dialect.ts'

export interface AthenahealthOptions {
  /** The `aud` of id_tokens, if it is not the client id. This was reported only for athenaPractice and athenaFlow. */
  idTokenAudience?: string | readonly string[] | undefined
}

const OPTIONS = { idTokenAudience: textOrList } satisfies OptionRules<AthenahealthOptions>

/**
 * athenahealth: athenaOne's platform, athenaPractice and athenaFlow. Unless noted otherwise, the source is the
 * smart-configuration of api.platform.athenahealth.com, captured in August 2026.
 *
 * Its `issuer` is on athena.okta.com, while endpoints and keys are on its own host; each is used as published. For athenaFlow,
 * a report says that discovery named an internal host (athenahealth/apiserver-athenaFlex issue 373). Override it with the
 * registration's `metadata.token_endpoint`.
 */
export function athenahealth(options: AthenahealthOptions = {}): Dialect {
  const { idTokenAudience } = readOptions(options, OPTIONS, 'athenahealth()')
  return defineDialect('athenahealth', {
    // PKCE worked on the preview host although its discovery did not list it (report: client-js issue 174, 2023). In 2026
    // it is listed there, but perhaps not on other hosts.
    authorization: { pkce: 'force' },
    // Reported in 2021 (athenahealth/apiserver-athenaFlex issue 200).
    idToken: { audience: idTokenAudience },
  })
}
