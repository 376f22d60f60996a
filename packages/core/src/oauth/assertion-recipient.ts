import type { Client } from '../client/client.ts'
import { isOfOrigin } from '../discovery/issuer-binding.ts'
import { FhirAuthError } from '../errors.ts'
import { shownUrl } from '../http/secure-url.ts'

interface Recipient {
  /** Where the request goes. */
  readonly url: string
  readonly tokenEndpoint: string
  /** The member of the metadata that names `url`. */
  readonly member: string
}

/**
 * Keeps an assertion from all hosts but that of the token endpoint, for which it is made (RFC 7523 §3): whoever receives it
 * can use it there. A hostile server would get one by naming its own introspection or revocation endpoint beside the token
 * endpoint of another server. Endpoints that the app has set are not checked.
 *
 * @throws `discovery_failed`
 */
export function checkAssertionRecipient(client: Client, { url, tokenEndpoint, member }: Recipient): void {
  if (client.clientAuth.method !== 'private_key_jwt') return
  if (isOfOrigin(url, [tokenEndpoint]) || Object.values(client.metadata).includes(url)) return
  throw new FhirAuthError(
    'discovery_failed',
    `${shownUrl(client.fhirBaseUrl)} names ${shownUrl(url)}, which is on another host than the token endpoint ${shownUrl(tokenEndpoint)}. An assertion for one could be misused at the other, so nothing was sent. If both belong together, set metadata.${member}.`,
  )
}
