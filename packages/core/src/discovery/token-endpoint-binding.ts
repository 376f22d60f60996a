import { FhirAuthError } from '../errors.ts'
import { shownUrl } from '../http/secure-url.ts'
import { RecentlyUsed } from '../shared/recently-used.ts'
import type { DiscoveryTarget } from './discover.ts'
import { isOfOrigin } from './issuer-binding.ts'
import { placeOf } from './place-of.ts'

/** What is needed of a registration to know whose token endpoint is whose. */
export type EndpointOwner = Pick<DiscoveryTarget, 'fhirBaseUrl' | 'clientId' | 'metadata' | 'discovery'>

interface EndpointUser {
  readonly fhirBaseUrl: string
  /** Whether the app has set the endpoint for it, or its host, or it is on the host of its FHIR base. */
  readonly isOwner: boolean
}

/**
 * Which server's tokens come from which token endpoint. A token is sent to the FHIR base of the registration that asked for
 * it. So a hostile server that names the token endpoint of another one, where the app has the same client id, would get a
 * token for the other one's data. No specification binds the two. Here, FHIR bases of different origins share an endpoint
 * only if the app has said so.
 */
export class TokenEndpointUsers {
  readonly #users: RecentlyUsed<EndpointUser>
  /** The listed registrations, by client id and what each owns. */
  readonly #owners = new Map<string, EndpointOwner[]>()

  /**
   * @param listed - all registrations that are known from the start
   * @param remembered - how many endpoints of other registrations are remembered at least
   */
  constructor(listed: readonly EndpointOwner[], remembered: number) {
    this.#users = new RecentlyUsed(remembered)
    for (const owner of listed) {
      for (const place of placesOf(owner)) {
        const key = keyOf(owner, place)
        const others = this.#owners.get(key)
        if (others === undefined) this.#owners.set(key, [owner])
        else others.push(owner)
      }
    }
  }

  /**
   * Refuses an endpoint that belongs to another server: it is on that one's host, the app has set it there, or that server
   * has used it first.
   *
   * @throws `discovery_failed`
   */
  check(target: EndpointOwner, endpoint: string | undefined): void {
    if (endpoint === undefined || target.clientId === undefined) return
    const { fhirBaseUrl } = target
    const key = keyOf(target, placeOf(endpoint).url)
    if (owns(target, endpoint)) {
      this.#users.set(key, { fhirBaseUrl, isOwner: true })
      return
    }
    const rival = this.#rivalOf(target, endpoint)
    if (rival !== undefined) refuse(target, endpoint, rival)
    if (this.#users.get(key) === undefined) this.#users.set(key, { fhirBaseUrl, isOwner: false })
  }

  /**
   * The same for the endpoint with which a login began: whose it is may have become known since. That another server has used
   * it first is no reason here, because the app may have changed its configuration.
   *
   * @throws `discovery_failed`
   */
  checkKept(target: EndpointOwner, endpoint: string): void {
    const rival = owns(target, endpoint) ? undefined : this.#rivalOf(target, endpoint)
    if (rival?.isOwner) refuse(target, endpoint, rival)
  }

  #rivalOf(target: EndpointOwner, endpoint: string): EndpointUser | undefined {
    const isRival = (other: { readonly fhirBaseUrl: string }) => !isOfOrigin(other.fhirBaseUrl, [target.fhirBaseUrl])
    const { origin, url } = placeOf(endpoint)
    for (const place of [url, origin]) {
      const owner = this.#owners.get(keyOf(target, place))?.find(isRival)
      if (owner !== undefined) return { fhirBaseUrl: owner.fhirBaseUrl, isOwner: true }
    }
    const user = this.#users.get(keyOf(target, url))
    return user !== undefined && isRival(user) ? user : undefined
  }
}

function keyOf({ clientId }: EndpointOwner, place: string): string {
  return JSON.stringify([clientId, place])
}

/** What belongs to a server: the host of its FHIR base, and the hosts and the endpoint that the app has set for it. */
function placesOf({ fhirBaseUrl, metadata, discovery }: EndpointOwner): string[] {
  const hosts = [fhirBaseUrl, metadata.issuer, discovery.issuer].flatMap((url) =>
    url !== undefined && URL.canParse(url) ? placeOf(url).origin : [],
  )
  const endpoint = metadata.token_endpoint
  return endpoint === undefined ? hosts : [...hosts, placeOf(endpoint).url]
}

function owns(target: EndpointOwner, endpoint: string): boolean {
  const { origin, url } = placeOf(endpoint)
  const places = placesOf(target)
  return places.includes(origin) || places.includes(url)
}

function refuse({ fhirBaseUrl }: EndpointOwner, endpoint: string, rival: EndpointUser): never {
  throw new FhirAuthError(
    'discovery_failed',
    `${shownUrl(fhirBaseUrl)} names the token endpoint ${shownUrl(endpoint)}, which ${shownUrl(rival.fhirBaseUrl)} uses with the same client id. So its token could be for the other server's data. If both belong together, set metadata.token_endpoint of both registrations.`,
  )
}
