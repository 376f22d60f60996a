import { createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import { maxAgeSeconds } from '../../src/internal.ts'
import { readJwt } from './signing-jwks.ts'

interface Fetched {
  headers: Readonly<Record<string, string>>
  body: string
}

/**
 * An authorization server as strict as the specification lets it be: it keeps a JWKS to the last second of its `max-age`,
 * and does not fetch it earlier for a `kid` that it does not know (SMART App Launch 2.2 "Client Authentication: Asymmetric").
 */
export function createCachingVerifier(fetchJwks: () => Fetched | Promise<Fetched>) {
  let keys: (JsonWebKey & { kid: string })[] = []
  let freshUntil = 0
  const seen = new Set<unknown>()
  const state = { fetches: 0 }

  /** Why it refuses the assertion, or undefined. */
  async function refusalOf(assertion: string, now: number): Promise<string | undefined> {
    if (now >= freshUntil) {
      const { headers, body } = await fetchJwks()
      state.fetches++
      keys = JSON.parse(body).keys
      freshUntil = now + (maxAgeSeconds(new Headers(headers)) ?? 0) * 1000
    }
    const { header, claims } = readJwt(assertion)
    const matching = keys.filter(({ kid }) => kid === header.kid)
    if (matching.length !== 1) return `${matching.length} keys with the kid ${header.kid}`
    const [parts, signature] = [assertion.slice(0, assertion.lastIndexOf('.')), readJwt(assertion).signature]
    const key = createPublicKey({ key: matching[0] ?? {}, format: 'jwk' })
    if (!verify('sha256', Buffer.from(parts), { key, dsaEncoding: 'ieee-p1363' }, signature)) return 'signature'
    if (Number(claims.exp) * 1000 < now) return 'expired'
    if (seen.has(claims.jti)) return 'jti reused'
    seen.add(claims.jti)
    return undefined
  }
  return { state, refusalOf }
}
