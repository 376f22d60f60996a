import type { SigningAlgorithm } from '../shared/signing-algorithm.ts'

/** The grants this library uses. */
export type GrantType = 'authorization_code' | 'refresh_token' | 'client_credentials'

/** What a dialect's functions are told about the request being built. */
export interface DialectContext {
  readonly clientId: string
  readonly fhirBaseUrl: string
  readonly grantType: GrantType
}

/** How a configured client will be used; a dialect may refuse what its vendor cannot do. */
export interface ClientUse {
  readonly flow: 'launch' | 'backend'
  readonly authMethod: string
  /** As configured, space-separated. */
  readonly scope: string
}

/**
 * What one vendor does otherwise than SMART App Launch 2.2: plain data and small functions.
 * Make one with `defineDialect`; what it leaves out is SMART's own rule.
 */
export interface Dialect {
  readonly name: string
  readonly discovery: DiscoveryRules
  readonly authorization: AuthorizationRules
  readonly token: TokenRules
  readonly assertion: AssertionRules
  readonly scopes: ScopeRules
  readonly idToken: IdTokenRules
  /** Refuses, when a factory is called, a configuration that the vendor cannot serve. */
  readonly check: (use: ClientUse) => void
}

export interface DiscoveryRules {
  /** Where the smart-configuration is, if not below the FHIR base URL; a function derives it from that. */
  readonly url: string | ((fhirBaseUrl: string) => string) | undefined
  /** OpenID issuer whose openid-configuration is the second source. */
  readonly issuer: string | undefined
}

export interface AuthorizationRules {
  /** The parameter that carries the FHIR base URL. SMART: `aud`. */
  readonly audienceParameter: 'aud' | 'audience' | 'both' | 'none'
  /**
   * `force` sends PKCE always (unknown parameters are ignored, RFC 6749 §3.1); `required` fails where the server does not
   * advertise S256; `auto` sends it where it does; `off` never.
   */
  readonly pkce: 'force' | 'required' | 'auto' | 'off'
  /** Send a `nonce` when `openid` is asked for. */
  readonly nonce: boolean
  /** `POST` sends the parameters by a self-submitting form (capability `authorize-post`), for very long requests. */
  readonly method: 'GET' | 'POST'
  /** Further parameters, e.g. `{ resource: '…' }`. */
  readonly parameters: (context: DialectContext) => Readonly<Record<string, string>>
}

export interface TokenRules {
  /** SMART: a confidential client does not repeat `client_id` in the body; some servers want it always. */
  readonly sendClientId: 'public' | 'always'
  /** Further body parameters by grant. */
  readonly parameters: (context: DialectContext) => Readonly<Record<string, string>>
  /** Take a response without `token_type` as Bearer. */
  readonly assumeBearer: boolean
  /** Words that a server writes as `token_type` for a bearer token, besides `Bearer`; their case does not matter. */
  readonly acceptedTypes: readonly string[]
  /** Lifetime assumed where the response has no `expires_in`, in seconds. */
  readonly defaultLifetimeSeconds: number
}

export interface AssertionRules {
  /** What `aud` is. SMART 2.2: the token endpoint. `{ literal }` for any other value. */
  readonly audience: 'token_endpoint' | 'issuer' | 'fhir_base' | { readonly literal: string }
  /** `exp` minus `iat`, in seconds; SMART allows at most 300. */
  readonly lifetimeSeconds: number
  readonly typ: string
  /**
   * Algorithms the server accepts where it does not publish them (`token_endpoint_auth_signing_alg_values_supported`):
   * the first key of one of them signs. Default: the first key, whatever its algorithm.
   */
  readonly algorithms: readonly SigningAlgorithm[] | undefined
  /** The `jku` header: the registered JWKS URL, to the letter. */
  readonly jku: string | undefined
  /** Further claims. `iss`, `sub`, `aud`, `exp`, `iat` and `jti` cannot be overridden here. */
  readonly claims: (context: DialectContext) => Readonly<Record<string, unknown>>
  readonly omitClaims: readonly OmittableClaim[]
}

export type OmittableClaim = 'aud' | 'exp' | 'iat' | 'jti'

export interface ScopeRules {
  /** From the SMART form to what goes over the wire. */
  readonly encode: (scope: string) => string
  /** And back. */
  readonly decode: (scope: string) => string
}

export interface IdTokenRules {
  /** `verify` checks signature and claims; `decode` the claims alone; `ignore` drops the id_token. */
  readonly mode: 'verify' | 'decode' | 'ignore'
  /** Expected `aud`, where it is not the client id. */
  readonly audience: string | readonly string[] | undefined
  /**
   * Expected `iss`, where it is not the discovered issuer. A function says whether it accepts one, given the discovered
   * issuer to hold it against: it must refuse every issuer of another tenant.
   */
  readonly issuer: string | ((issuer: string, discovered: string | undefined) => boolean) | undefined
  /**
   * Checks that the id_tokens of this server cannot pass. Default: none is left out.
   * `nonce`: it may be missing, where one was sent; a wrong one is refused all the same.
   * `iat`: it may be missing, or more than an hour ago.
   * `typ`: the header may name another type than `JWT`.
   * `auth_time`: it may change at a refresh.
   */
  readonly skipChecks: readonly IdTokenCheck[]
}

export type IdTokenCheck = 'nonce' | 'iat' | 'typ' | 'auth_time'

/** What a request gets besides SMART's own: the same each time, or by the request. */
type Additions<Value> = Readonly<Record<string, Value>> | ((context: DialectContext) => Readonly<Record<string, Value>>)

/** Rules that may also be written as an object. */
interface WrittenRules {
  readonly authorization: { readonly parameters: Additions<string> }
  readonly token: { readonly parameters: Additions<string> }
  readonly assertion: { readonly claims: Additions<unknown> }
}

export type RulePart = Exclude<keyof Dialect, 'name' | 'check'>

type WrittenRule<Part extends RulePart, Rule extends keyof Dialect[Part]> = Part extends keyof WrittenRules
  ? Rule extends keyof WrittenRules[Part]
    ? WrittenRules[Part][Rule]
    : Dialect[Part][Rule]
  : Dialect[Part][Rule]

/** A dialect as written: any part, any member of it. */
export type DialectOverrides = {
  readonly [Part in RulePart]?:
    | { readonly [Rule in keyof Dialect[Part]]?: WrittenRule<Part, Rule> | undefined }
    | undefined
} & { readonly check?: Dialect['check'] | undefined }
