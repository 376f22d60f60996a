import { secureUrl } from '../http/secure-url.ts'
import { type OptionRules, optionalText, textList } from '../options.ts'

/** Metadata of a server that overrides what discovery finds. */
export interface StaticMetadata {
  issuer?: string | undefined
  authorization_endpoint?: string | undefined
  token_endpoint?: string | undefined
  jwks_uri?: string | undefined
  introspection_endpoint?: string | undefined
  revocation_endpoint?: string | undefined
  end_session_endpoint?: string | undefined
  code_challenge_methods_supported?: readonly string[] | undefined
  token_endpoint_auth_signing_alg_values_supported?: readonly string[] | undefined
}

export const STATIC_METADATA_RULES: OptionRules<StaticMetadata> = {
  issuer: optionalText,
  authorization_endpoint: secureUrl,
  token_endpoint: secureUrl,
  jwks_uri: secureUrl,
  introspection_endpoint: secureUrl,
  revocation_endpoint: secureUrl,
  end_session_endpoint: secureUrl,
  code_challenge_methods_supported: textList,
  token_endpoint_auth_signing_alg_values_supported: textList,
}
