import type { SigningAlgorithm } from '../shared/signing-algorithm.ts'

/** The grants this library uses. */
export type GrantType = 'authorization_code' | 'refresh_token' | 'client_credentials'

/** The request for which a dialect's function is called. */
export interface DialectContext {
  readonly clientId: string
  readonly fhirBaseUrl: string
  readonly grantType: GrantType
}

/** How a configured client will be used. A dialect may refuse what its vendor does not support. */
export interface ClientUse {
  readonly flow: 'launch' | 'backend'
  readonly authMethod: string
  /** As configured, separated by spaces. */
  readonly scope: string
}

/**
 * Where one vendor differs from SMART App Launch 2.2: plain data and small functions. Make one with `defineDialect`; rules
 * that are left out are SMART's own.
 */
export interface Dialect {
  readonly name: string
  readonly discovery: DiscoveryRules
  readonly authorization: AuthorizationRules
  readonly token: TokenRules
  readonly assertion: AssertionRules
  readonly scopes: ScopeRules
  readonly idToken: IdTokenRules
  /** Called by the factory. Throws for a configuration that the vendor does not support. */
  readonly check: (use: ClientUse) => void
}

export interface DiscoveryRules {
  /** Where the smart-configuration is, if not below the FHIR base URL: a URL, or a function of the FHIR base URL. */
  readonly url: string | ((fhirBaseUrl: string) => string) | undefined
  /** OpenID issuer whose openid-configuration is the second source. */
  readonly issuer: string | undefined
}

export interface AuthorizationRules {
  /** The parameter that carries the FHIR base URL. SMART: `aud`. */
  readonly audienceParameter: 'aud' | 'audience' | 'both' | 'none'
  /**
   * `force` always sends PKCE (servers ignore unknown parameters, RFC 6749 §3.1); `required` fails if the server does not list
   * S256; `auto` sends it if the server lists S256; `off` never sends it.
   */
  readonly pkce: 'force' | 'required' | 'auto' | 'off'
  /** Whether to send a `nonce` with the scope `openid`. */
  readonly nonce: boolean
  /** `POST` sends the parameters by a self-submitting form (capability `authorize-post`), for very long requests. */
  readonly method: 'GET' | 'POST'
  /** Further parameters, e.g. `{ resource: '…' }`. */
  readonly parameters: (context: DialectContext) => Readonly<Record<string, string>>
}

export interface TokenRules {
  /** In SMART, a confidential client does not send `client_id` in the body. Some servers always want it. */
  readonly sendClientId: 'public' | 'always'
  /** Further body parameters by grant. */
  readonly parameters: (context: DialectContext) => Readonly<Record<string, string>>
  /** Whether a response without `token_type` counts as Bearer. */
  readonly assumeBearer: boolean
  /** Values of `token_type` that mean a bearer token, besides `Bearer`, in any case. */
  readonly acceptedTypes: readonly string[]
  /** The lifetime if the response has no `expires_in`, in seconds. */
  readonly defaultLifetimeSeconds: number
}

export interface AssertionRules {
  /** The `aud`. SMART 2.2: the token endpoint. `{ literal }` for any other value. */
  readonly audience: 'token_endpoint' | 'issuer' | 'fhir_base' | { readonly literal: string }
  /** `exp` minus `iat`, in seconds; SMART allows at most 300. */
  readonly lifetimeSeconds: number
  readonly typ: string
  /**
   * Algorithms that the server accepts, if it does not publish them (`token_endpoint_auth_signing_alg_values_supported`). The
   * first key with one of them signs. Default: the first key signs, whatever its algorithm.
   */
  readonly algorithms: readonly SigningAlgorithm[] | undefined
  /** The `jku` header: the JWKS URL, exactly as registered. */
  readonly jku: string | undefined
  /**
   * Further headers, for a server that finds the key by its certificate (RFC 7515 §4.1.6 to §4.1.8). The certificate is
   * `x5c` of the JWK, or `loadKeySet(source, { certificate })`.
   */
  readonly header: readonly CertificateHeader[]
  /** Further claims. `iss`, `sub`, `aud`, `exp`, `iat` and `jti` cannot be overridden here. */
  readonly claims: (context: DialectContext) => Readonly<Record<string, unknown>>
  readonly omitClaims: readonly OmittableClaim[]
}

export type CertificateHeader = 'x5t' | 'x5t#S256' | 'x5c'

export type OmittableClaim = 'aud' | 'exp' | 'iat' | 'jti'

export interface ScopeRules {
  /** From SMART's form to the wire form. */
  readonly encode: (scope: string) => string
  /** From the wire form to SMART's form. */
  readonly decode: (scope: string) => string
}

export interface IdTokenRules {
  /** `verify` checks signature and claims; `decode` checks only the claims; `ignore` drops the id_token. */
  readonly mode: 'verify' | 'decode' | 'ignore'
  /** The expected `aud`, if it is not the client id. */
  readonly audience: string | readonly string[] | undefined
  /**
   * The expected `iss`, if it is not the discovered issuer. A function gets the `iss` and the discovered issuer, and returns
   * whether it accepts the `iss`. It must refuse every issuer of another tenant.
   */
  readonly issuer: string | ((issuer: string, discovered: string | undefined) => boolean) | undefined
  /**
   * Checks to skip, because the id_tokens of this server cannot pass them. Default: none.
   * `nonce`: it may be missing, although one was sent; a wrong one is still refused.
   * `iat`: it may be missing, or more than an hour ago.
   * `typ`: the header may name another type than `JWT`.
   * `auth_time`: it may change at a refresh.
   */
  readonly skipChecks: readonly IdTokenCheck[]
}

export type IdTokenCheck = 'nonce' | 'iat' | 'typ' | 'auth_time'

/** Additions to a request: the same for each request, or a function of it. */
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

/** The rules of a dialect that differ from its base: any part, and any member of it. */
export type DialectOverrides = {
  readonly [Part in RulePart]?:
    | { readonly [Rule in keyof Dialect[Part]]?: WrittenRule<Part, Rule> | undefined }
    | undefined
} & { readonly check?: Dialect['check'] | undefined }
