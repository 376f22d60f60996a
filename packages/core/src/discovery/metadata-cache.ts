import { asFhirAuthError, FhirAuthError } from '../errors.ts'
import { shownUrl } from '../http/secure-url.ts'
import type { HttpOptions } from '../http/send-bounded.ts'
import { RecentlyUsed } from '../shared/recently-used.ts'
import { SingleFlight } from '../shared/single-flight.ts'
import { type Discovered, type DiscoveryTarget, discover, type NeededMember } from './discover.ts'
import type { ServerMetadata } from './server-metadata.ts'
import { type EndpointOwner, TokenEndpointUsers } from './token-endpoint-binding.ts'

/** How long a discovered document is used, in seconds: its own `max-age` within these bounds. */
const DEFAULT_AGE_SECONDS = 3600
const MIN_AGE_SECONDS = 60
const MAX_AGE_SECONDS = 24 * 3600
/** A failure is remembered for a short time, so that a server that is down does not get a request from every caller. */
const FAILURE_SECONDS = 5
/** How many servers are remembered at least. An app may have its registrations in a database. */
const REMEMBERED = 1000

interface Entry {
  readonly metadata?: ServerMetadata | undefined
  /** Whether a better source did not answer when this was read. */
  readonly isDegraded?: boolean | undefined
  readonly failure?: FhirAuthError | undefined
  readonly freshUntil: number
}

/**
 * A cache of discovered metadata, by server. Callers share one request. Entries are kept by `Cache-Control` within limits, and
 * an old entry is used if a new request fails. Metadata that was found while a better source was down is used only for a short
 * time, and never replaces better metadata. Entries of different servers or needs are separate.
 */
export class MetadataCache {
  readonly #entries = new RecentlyUsed<Entry>(REMEMBERED)
  readonly #flights = new SingleFlight<ServerMetadata>()
  /** The server that uses an issuer, and its endpoints and keys; not for issuers that are set in `metadata`. */
  readonly #usersOfIssuer = new RecentlyUsed<{ readonly fhirBaseUrl: string; readonly endpoints: string }>(REMEMBERED)
  readonly #tokenEndpoints: TokenEndpointUsers
  readonly #http: HttpOptions
  readonly #now: () => number

  /** @param listed - all registrations that are known from the start */
  constructor(http: HttpOptions, now: () => number, listed: readonly EndpointOwner[] = []) {
    this.#http = http
    this.#now = now
    this.#tokenEndpoints = new TokenEndpointUsers(listed, REMEMBERED)
  }

  /** @throws `discovery_failed`, and the errors of a request */
  async get(target: DiscoveryTarget, needed: readonly NeededMember[]): Promise<ServerMetadata> {
    const metadata = await this.#cached(target, needed)
    // Each time: the server whose endpoint it is may have become known since.
    this.#tokenEndpoints.check(target, metadata.token_endpoint)
    return metadata
  }

  /**
   * Refuses the token endpoint with which a login began, if it belongs to another server.
   *
   * @throws `discovery_failed`
   */
  checkKept(target: DiscoveryTarget, tokenEndpoint: string): void {
    this.#tokenEndpoints.checkKept(target, tokenEndpoint)
  }

  async #cached(target: DiscoveryTarget, needed: readonly NeededMember[]): Promise<ServerMetadata> {
    const { fhirBaseUrl, discovery, metadata, allowPrivateNetwork } = target
    const key = JSON.stringify([fhirBaseUrl, discovery, metadata, allowPrivateNetwork, needed])
    const entry = this.#entries.get(key)
    if (entry && entry.freshUntil > this.#now()) {
      if (entry.metadata) return entry.metadata
      if (entry.failure) throw entry.failure
    }
    return this.#flights.run(key, () => this.#refetch(key, target, needed))
  }

  async #refetch(key: string, target: DiscoveryTarget, needed: readonly NeededMember[]): Promise<ServerMetadata> {
    const known = this.#entries.get(key)
    const keep = (entry: Omit<Entry, 'freshUntil'>, seconds: number) =>
      this.#entries.set(key, { ...entry, freshUntil: this.#now() + seconds * 1000 })
    try {
      const { metadata, isDegraded, maxAgeSeconds } = await discover(target, needed, this.#http)
      this.#checkIssuer(target, metadata)
      if (isDegraded && known?.metadata && !known.isDegraded) {
        keep(known, MIN_AGE_SECONDS)
        return known.metadata
      }
      keep({ metadata, isDegraded }, isDegraded ? MIN_AGE_SECONDS : ageOf(maxAgeSeconds))
      return metadata
    } catch (error) {
      const failure = asFhirAuthError(error, 'discovery_failed', `Discovery failed for ${target.fhirBaseUrl}.`)
      keep(known?.metadata ? known : { failure }, FAILURE_SECONDS)
      if (known?.metadata) return known.metadata
      throw failure
    }
  }

  /** Refuses a second server with the same issuer and other endpoints: their id_tokens and responses could be mixed up. */
  #checkIssuer({ fhirBaseUrl, metadata: pinned }: DiscoveryTarget, metadata: ServerMetadata): void {
    const { issuer, authorization_endpoint, token_endpoint, jwks_uri } = metadata
    if (issuer === undefined || pinned.issuer !== undefined) return
    const endpoints = JSON.stringify([authorization_endpoint, token_endpoint, jwks_uri])
    const user = this.#usersOfIssuer.get(issuer)
    if (user !== undefined && user.fhirBaseUrl !== fhirBaseUrl && user.endpoints !== endpoints) {
      throw new FhirAuthError(
        'discovery_failed',
        `${shownUrl(fhirBaseUrl)} names the issuer ${shownUrl(issuer)} with other endpoints or keys than ${shownUrl(user.fhirBaseUrl)} does. Set metadata.issuer of both registrations, if both are right.`,
      )
    }
    if (user === undefined || user.fhirBaseUrl === fhirBaseUrl) {
      this.#usersOfIssuer.set(issuer, { fhirBaseUrl, endpoints })
    }
  }
}

function ageOf(maxAgeSeconds: Discovered['maxAgeSeconds'] = DEFAULT_AGE_SECONDS): number {
  return Math.min(Math.max(maxAgeSeconds, MIN_AGE_SECONDS), MAX_AGE_SECONDS)
}
