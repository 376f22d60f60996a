import type { AdapterPayload } from 'oidc-provider'
import { fetchJwks } from './client-jwks.ts'
import type { SandboxClient } from './sandbox-options.ts'

export interface ClientRegistry {
  register: (client: SandboxClient) => void
  find: (clientId: string | undefined) => SandboxClient | undefined
  ids: () => string[]
  /** Wire metadata, as the authorization server wants it. */
  metadata: (clientId: string) => AdapterPayload | undefined
  /** Fetches the keys of a client with a JWKS URL if they are stale or lack `kid`; at most one request. */
  loadKeys: (client: SandboxClient, kid: string | undefined) => Promise<void>
}

type KeySet = { keys: object[] }

export function createClientRegistry(): ClientRegistry {
  const clients = new Map<string, SandboxClient>()
  const fetched = new Map<string, KeySet & { freshUntil: number }>()

  return {
    register(client) {
      const { clientId, clientSecret, jwks, jwksUrl } = client
      if (clientId === '') throw new TypeError('clientId is empty: give the client a name')
      if ([clientSecret, jwks, jwksUrl].filter((credential) => credential !== undefined).length > 1) {
        throw new TypeError(`client ${clientId}: give one of clientSecret, jwks and jwksUrl, not several`)
      }
      for (const redirectUri of client.redirectUris ?? []) {
        if (!URL.canParse(redirectUri))
          throw new TypeError(`client ${clientId}: redirect URI ${redirectUri} is not a URL`)
      }
      clients.set(clientId, structuredClone(client))
      fetched.delete(clientId)
    },
    find: (clientId) => (clientId === undefined ? undefined : clients.get(clientId)),
    ids: () => [...clients.keys()],
    metadata(clientId) {
      const client = clients.get(clientId)
      return client && toMetadata(client, client.jwks ?? fetched.get(clientId))
    },
    async loadKeys({ clientId, jwksUrl }, kid) {
      if (jwksUrl === undefined) return
      const known = fetched.get(clientId)
      if (known && known.freshUntil > Date.now() && known.keys.some((key) => 'kid' in key && key.kid === kid)) return
      const { keys, maxAgeSeconds } = await fetchJwks(jwksUrl)
      fetched.set(clientId, { keys, freshUntil: Date.now() + maxAgeSeconds * 1000 })
    },
  }
}

function toMetadata(client: SandboxClient, keySet: KeySet | undefined): AdapterPayload {
  const { clientId, clientSecret, jwks, jwksUrl, redirectUris = [] } = client
  const confidential = clientSecret !== undefined || jwks !== undefined || jwksUrl !== undefined
  const interactive = redirectUris.length > 0
  const authentication =
    clientSecret !== undefined
      ? { token_endpoint_auth_method: 'client_secret_basic', client_secret: clientSecret }
      : confidential
        ? { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: keySet?.keys ?? [] } }
        : { token_endpoint_auth_method: 'none' }
  return {
    client_id: clientId,
    redirect_uris: redirectUris,
    response_types: interactive ? ['code'] : [],
    grant_types: [
      ...(interactive ? ['authorization_code', 'refresh_token'] : []),
      ...(confidential ? ['client_credentials'] : []),
    ],
    ...authentication,
  } as AdapterPayload // the adapter's payload type names token members only; clients pass through it as well
}
