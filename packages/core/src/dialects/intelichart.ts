import { secureUrl } from '../http/secure-url.ts'
import { listOf, type OptionRules, optionalText, positive, readOptions, refuseOption } from '../options.ts'
import { defineDialect } from './define-dialect.ts'
import type { Dialect, OmittableClaim } from './dialect.ts'

export interface IntelichartOptions {
  /**
   * The JWKS URL registered with InteliChart, to the letter: it becomes the claim `jwks_url`.
   * Needed for a client that signs assertions (backend services); not for one with a secret.
   */
  jwksUrl?: string | undefined
  /** The claim `accessTokensExpireIn`: whole minutes. Default 5. */
  accessTokensExpireInMinutes?: number | undefined
  /** The authorization host's issuer, for openid-configuration where the FHIR API has no smart-configuration. */
  issuer?: string | undefined
  /** The `audience` of the code exchange. Default: the FHIR base URL. */
  audience?: string | undefined
  /** Claims of the SMART superset to leave out, should the server refuse them. Default: none. */
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
 * @throws `invalid_option` for a `jwksUrl` that is no https URL, or minutes that are no positive integer
 */
export function intelichart(options: IntelichartOptions = {}): Dialect {
  const given = readOptions(options, OPTIONS, 'intelichart()')
  const { jwksUrl, issuer, audience, omitClaims, accessTokensExpireInMinutes: minutes } = given
  return defineDialect('intelichart', {
    // "fhirauth…/.well-known/openid-configuration": the authorization server is another host than the FHIR API.
    discovery: { issuer },
    token: {
      // "client_id" stands in the body of the code exchange beside the Authorization header.
      sendClientId: 'always',
      // "audience: the base URL of the FHIR API", in the code exchange only.
      parameters: ({ grantType, fhirBaseUrl }): Record<string, string> =>
        grantType === 'authorization_code' ? { audience: audience ?? fhirBaseUrl } : {},
      // The page promises "a JSON object that contains the Access Token", and nothing beside it.
      assumeBearer: true,
      // Without `expires_in`, never trust a token longer than was asked for.
      defaultLifetimeSeconds: Math.min(minutes * 60, 300),
    },
    assertion: {
      // The page lists iss, sub, iat, jwks_url and accessTokensExpireIn; aud, exp and jti of SMART come on top.
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
