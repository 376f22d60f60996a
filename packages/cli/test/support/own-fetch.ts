import { Agent, type Dispatcher, ProxyAgent, fetch as undiciFetch } from 'undici'

/** A `fetch` that sends through this dispatcher. */
function fetchThrough(dispatcher: Dispatcher): typeof fetch {
  // The types of undici and of the global fetch are two descriptions of the same thing.
  const send = undiciFetch as unknown as (input: unknown, init: object) => Promise<Response>
  return (input, init) => send(input, { ...init, dispatcher })
}

/** For servers whose certificate is from the hospital's own authority. */
export function fetchTrusting(ca: string): typeof fetch {
  return fetchThrough(new Agent({ connect: { ca } }))
}

/** For servers that want to see a certificate of the client (mutual TLS). */
export function fetchWithCertificate(tls: { ca: string; cert: string; key: string }): typeof fetch {
  return fetchThrough(new Agent({ connect: tls }))
}

/** For apps that reach the world through a proxy only. */
export function fetchThroughProxy(uri: string, ca?: string): typeof fetch {
  return fetchThrough(new ProxyAgent({ uri, ...(ca && { requestTls: { ca } }) }))
}
