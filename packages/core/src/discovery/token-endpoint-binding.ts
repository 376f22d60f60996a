import { FhirAuthError } from '../errors.ts'
import { shownUrl } from '../http/secure-url.ts'
import { RecentlyUsed } from '../shared/recently-used.ts'
import type { DiscoveryTarget } from './discover.ts'
import { isOfOrigin } from './issuer-binding.ts'
import type { ServerMetadata } from './server-metadata.ts'

/** What is needed of a registration to know whose token endpoint is whose. */
export type EndpointOwner = Pick<DiscoveryTarget, 'fhirBaseUrl' | 'clientId' | 'metadata' | 'discovery'>

interface EndpointUser {
  readonly fhirBaseUrl: string
  readonly isBound: boolean
}

/**
 * Which server's tokens come from which token endpoint. A token is sent to the FHIR base of the registration that asked for
 * it. So a hostile server that names the token endpoint of another one, where the app has the same client id, would get a
 * token for the other one's data. No specification binds the two. Here, FHIR bases of different origins share an endpoint
 * only if the app has said so.
 */
export class TokenEndpointUsers {
  readonly #users: RecentlyUsed<EndpointUser>
  readonly #listed: readonly EndpointOwner[]

  /**
   * @param listed - all registrations that are known from the start
   * @param remembered - how many endpoints of other registrations are remembered at least
   */
  constructor(listed: readonly EndpointOwner[], remembered: number) {
    this.#listed = listed
    this.#users = new RecentlyUsed(remembered)
  }

  /**
   * Refuses an endpoint that belongs to another server: it is on that one's host, the app has set it there, or that server
   * has used it first.
   *
   * @throws `discovery_failed`
   */
  check(target: EndpointOwner, { token_endpoint: endpoint }: ServerMetadata): void {
    const { clientId, fhirBaseUrl } = target
    if (endpoint === undefined || clientId === undefined) return
    const key = JSON.stringify([clientId, endpoint])
    if (isBound(target, endpoint)) {
      this.#users.set(key, { fhirBaseUrl, isBound: true })
      return
    }
    const isRival = (other: { readonly fhirBaseUrl: string }) => !isOfOrigin(other.fhirBaseUrl, [fhirBaseUrl])
    const owner = this.#listed.find((each) => each.clientId === clientId && isRival(each) && isBound(each, endpoint))
    const user = owner ?? this.#users.get(key)
    if (user !== undefined && isRival(user)) {
      throw new FhirAuthError(
        'discovery_failed',
        `${shownUrl(fhirBaseUrl)} names the token endpoint ${shownUrl(endpoint)}, which ${shownUrl(user.fhirBaseUrl)} uses with the same client id. So its token could be for the other server's data. If both belong together, set metadata.token_endpoint of both registrations.`,
      )
    }
    if (user === undefined) this.#users.set(key, { fhirBaseUrl, isBound: false })
  }
}

/** Whether the app has set the endpoint or its host for this server, or it is on the host of the FHIR base. */
function isBound({ fhirBaseUrl, metadata, discovery }: EndpointOwner, endpoint: string): boolean {
  if (metadata.token_endpoint !== undefined) return metadata.token_endpoint === endpoint
  const vouched = [metadata.issuer, discovery.issuer].filter((issuer) => issuer !== undefined)
  return isOfOrigin(endpoint, [fhirBaseUrl, ...vouched])
}
