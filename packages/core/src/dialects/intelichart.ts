import { secureUrl } from '../http/secure-url.ts'
import { listOf, type OptionRules, optionalText, positive, readOptions, refuseOption } from '../options.ts'
import { defineDialect } from './define-dialect.ts'
import type { Dialect, OmittableClaim } from './dialect.ts'

export interface IntelichartOptions {
  /**
   * The JWKS URL, exactly as registered with InteliChart. It becomes the claim `jwks_url`. Needed for a client that signs
   * assertions (backend services), not for one with a secret.
   */
  jwksUrl?: string | undefined
  /** The claim `accessTokensExpireIn`: whole minutes. Default 5. */
  accessTokensExpireInMinutes?: number | undefined
  /** The authorization host's issuer. Its openid-configuration is used if the FHIR API has no smart-configuration. */
  issuer?: string | undefined
  /** The `audience` of the code exchange. Default: the FHIR base URL. */
  audience?: string | undefined
  /** SMART's claims to leave out, if the server refuses them. Default: none. */
  omitClaims?: readonly OmittableClaim[] | undefined
}

const DEFAULT_EXPIRE_IN_MINUTES = 5

const OPTIONS = {
  jwksUrl: secureUrl,
  accessTokensExpireInMinutes: readMinutes,
  issuer: secureUrl,
  audience: optionalText,
  omitClaims: listOf('aud', 'exp', 'iat', 'jti'),
} satisfies OptionRules<IntelichartOptions>

/**
 * InteliChart's FHIR API. Every rule is from the vendor's page "Authorization Registration" (`/Help/AuthRegistration`
 * on the FHIR host); docs/intelichart.md walks through it.
 *
 * @throws `invalid_option` for minutes that are not a positive integer, `insecure_url` for a URL that is not https
 */
export function intelichart(options: IntelichartOptions = {}): Dialect {
  const given = readOptions(options, OPTIONS, 'intelichart()')
  const { jwksUrl, issuer, audience, omitClaims, accessTokensExpireInMinutes: minutes } = given
  return defineDialect('intelichart', {
    // "fhirauth…/.well-known/openid-configuration": the authorization server is another host than the FHIR API.
    discovery: { issuer },
    token: {
      // The code exchange has "client_id" in its body, besides the Authorization header.
      sendClientId: 'always',
      // "audience: the base URL of the FHIR API", in the code exchange only.
      parameters: ({ grantType, fhirBaseUrl }): Record<string, string> =>
        grantType === 'authorization_code' ? { audience: audience ?? fhirBaseUrl } : {},
      // The page promises only "a JSON object that contains the Access Token".
      assumeBearer: true,
      // Without `expires_in`, a token is not used for longer than was requested.
      defaultLifetimeSeconds: Math.min(minutes * 60, 300),
    },
    assertion: {
      // The page lists iss, sub, iat, jwks_url and accessTokensExpireIn. SMART adds aud, exp and jti.
      claims: () => ({ jwks_url: jwksUrl, accessTokensExpireIn: minutes }),
      omitClaims: omitClaims ?? [],
    },
    check: ({ authMethod }) => {
      if (authMethod !== 'private_key_jwt' || jwksUrl !== undefined) return
      refuseOption(
        "intelichart() needs jwksUrl to sign assertions: write intelichart({ jwksUrl: 'https://…' }) with the JWKS URL registered at InteliChart.",
      )
    },
  })
}

function readMinutes(value: unknown, option: string): number {
  const minutes = positive(DEFAULT_EXPIRE_IN_MINUTES)(value, option)
  if (Number.isInteger(minutes)) return minutes
  return refuseOption(`${option} is ${minutes}; it must be a whole number of minutes.`)
}
