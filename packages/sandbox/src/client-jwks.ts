export interface FetchedJwks {
  keys: object[]
  maxAgeSeconds: number
}

const loopbackHosts = new Set(['127.0.0.1', 'localhost', '[::1]'])
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']

/**
 * Fetches an app's key set, as a SMART server does when a token is asked for.
 * @throws Error whose message says what is wrong with the URL, the answer or the keys
 */
export async function fetchJwks(jwksUrl: string): Promise<FetchedJwks> {
  const url = new URL(jwksUrl)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopbackHosts.has(url.hostname))) {
    throw new Error(`the JWKS URL ${jwksUrl} must be https, or http on loopback`)
  }
  const response = await fetch(url, {
    headers: { accept: 'application/json' },
    redirect: 'manual',
    signal: AbortSignal.timeout(5000),
  }).catch((cause: unknown) => {
    throw new Error(`the JWKS URL ${jwksUrl} cannot be reached`, { cause })
  })
  const text = await response.text()
  if (response.status !== 200) throw new Error(`the JWKS URL ${jwksUrl} answered ${response.status}, not 200`)
  const keys = parseKeys(text)
  if (!keys) throw new Error(`the JWKS URL ${jwksUrl} did not answer with a JWK Set`)
  for (const key of keys) {
    const leaked = privateMembers.filter((member) => member in key)
    if (leaked.length > 0) throw new Error(`the JWKS URL ${jwksUrl} publishes private members: ${leaked.join(', ')}`)
  }
  const [, maxAge] = /(?:^|[,\s])max-age=(\d+)/.exec(response.headers.get('cache-control') ?? '') ?? []
  return { keys, maxAgeSeconds: Number(maxAge ?? 0) }
}

function parseKeys(text: string): object[] | undefined {
  try {
    const { keys }: { keys?: unknown } = JSON.parse(text)
    const isKey = (key: unknown): key is object => typeof key === 'object' && key !== null && 'kty' in key
    return Array.isArray(keys) && keys.every(isKey) ? keys : undefined
  } catch {
    return undefined
  }
}
