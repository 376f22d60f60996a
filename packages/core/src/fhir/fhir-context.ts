import { type FetchFunction, type FhirAccess, fetchFhir, type TokenSource } from './fhir-fetch.ts'
import type { FhirGrant, FhirUser, IdTokenClaims, LaunchContext } from './fhir-grant.ts'
import { type FhirJsonInit, fetchFhirJson } from './fhir-json.ts'
import type { TokenArea } from './fhir-target.ts'
import type { ScopeSet } from './scope-set.ts'

/** Where a context gets its tokens, and how it sends them. */
export interface TokenAccess {
  readonly tokens: TokenSource
  readonly send: FetchFunction
  /** Further URL prefixes that may get the token. Default: none. */
  readonly tokenUrls?: TokenArea['tokenUrls'] | undefined
}

/** How a context sends, for the FHIR proxy, which limits each request in its own way. */
export let accessOf: (context: FhirContext) => FhirAccess

/**
 * What a handler gets as `fhir`: a valid token and its context. It is frozen. There is one object per token, not per request,
 * as long as the session is among the 10,000 that were used last in this process.
 */
export class FhirContext implements FhirGrant {
  readonly fhirBaseUrl: string
  /** When the access token expires, in milliseconds since the epoch. */
  readonly expiresAt: number
  readonly scope: ScopeSet
  /** Id of the Patient in context. */
  readonly patient: string | undefined
  /** Id of the Encounter in context. */
  readonly encounter: string | undefined
  readonly fhirUser: FhirUser | undefined
  readonly idToken: IdTokenClaims | undefined
  readonly launch: LaunchContext
  /** The id of the launch in the browser session; undefined for a backend service. */
  readonly launchId: string | undefined
  /**
   * `fetch` with the bearer token, for URLs under `fhirBaseUrl`, and under `tokenUrls` of the registration. A relative URL is
   * relative to `fhirBaseUrl`. Each call uses the newest token of the session. After a 401 it gets one new token and repeats
   * the request once, if the body can be sent again. Redirects of GET and HEAD are followed, without the token if they lead to
   * another place.
   *
   * @throws `url_outside_fhir_base` before anything is sent
   */
  readonly fetch: (url: string | URL, init?: RequestInit) => Promise<Response>
  /**
   * Reads JSON with {@link FhirContext.fetch}, and throws unless the response has a success status, so that an error is
   * never taken for a resource. A text body is sent as `application/fhir+json`, unless `headers` say otherwise. Returns
   * `undefined` for a write that is answered without a body.
   *
   * @example
   * ```ts
   * import type { FhirContext } from '@fhir-auth/core'
   *
   * interface Bundle {
   *   total?: number
   * }
   *
   * async function countVitals(fhir: FhirContext): Promise<number> {
   *   const { total = 0 } = await fhir.json<Bundle>(`Observation?patient=${fhir.patient}&category=vital-signs`)
   *   return total
   * }
   * ```
   * @throws `fhir_request_failed` ({@link FhirRequestError}), `invalid_response`, `timeout`, `response_too_large`,
   * `network_error`, `url_outside_fhir_base`; and if there is no token, `session_ended`, `token_unavailable` and the like
   */
  readonly json: <Resource = Record<string, unknown>>(url: string | URL, init?: FhirJsonInit) => Promise<Resource>
  // Private, so that console.log and JSON.stringify do not show it.
  readonly #accessToken: string
  readonly #access: FhirAccess

  static {
    accessOf = (context) => context.#access
  }

  constructor(grant: FhirGrant, { tokens, send, tokenUrls = () => [] }: TokenAccess) {
    this.fhirBaseUrl = grant.fhirBaseUrl
    this.expiresAt = grant.expiresAt
    this.scope = grant.scope
    this.patient = grant.patient
    this.encounter = grant.encounter
    this.fhirUser = grant.fhirUser
    this.idToken = grant.idToken
    this.launch = grant.launch
    this.launchId = grant.launchId
    this.#accessToken = grant.accessToken
    const access: FhirAccess = { fhirBaseUrl: grant.fhirBaseUrl, tokenUrls, tokens, send }
    this.#access = access
    const isPerson = grant.launchId !== undefined
    this.fetch = (url, init) => fetchFhir(access, url, init)
    // The caller names the type; it is not checked.
    this.json = <Resource>(url: string | URL, init?: FhirJsonInit) =>
      fetchFhirJson(access, { url, init, isPerson }) as Promise<Resource>
    Object.freeze(this)
  }

  get accessToken(): string {
    return this.#accessToken
  }
}
