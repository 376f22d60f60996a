import { encode } from 'jose/base64url'
import type { KeySet } from '../client/keys/key-set.ts'
import { type AdapterRequest, type Answer, pathOf } from '../web/adapter-contract.ts'
import { refuseMethod } from '../web/answers.ts'

export interface JwksRouteSettings {
  /** The key set of each path. */
  readonly jwks: ReadonlyMap<string, KeySet>
  /** `max-age` of the response, in seconds. */
  readonly jwksMaxAgeSeconds: number
  readonly now: () => number
}

/**
 * Serves public keys, without a login and without a redirect, so that a server can fetch them while it checks an
 * assertion. The key set decides which keys are in it: next, active, and retired ones within their overlap.
 */
export async function answerJwks(request: AdapterRequest, settings: JwksRouteSettings): Promise<Answer> {
  const { jwks, jwksMaxAgeSeconds, now } = settings
  const refused = refuseMethod(request, 'GET, HEAD')
  if (refused) return refused
  const keys = jwks.get(pathOf(request.url))
  await keys?.refresh(now())
  const body = JSON.stringify(keys?.publicJwks(now(), jwksMaxAgeSeconds) ?? { keys: [] })
  const etag = await etagOf(body)
  const headers = {
    'cache-control': `public, max-age=${jwksMaxAgeSeconds}`,
    // The keys are public, so any page may read them.
    'access-control-allow-origin': '*',
    etag,
  }
  if (isKnown(request.header('if-none-match'), etag)) {
    return { kind: 'empty', status: 304, headers, cookies: [], body: '' }
  }
  const type = { 'content-type': 'application/json' }
  return { kind: 'jwks', status: 200, headers: { ...type, ...headers }, cookies: [], body }
}

async function etagOf(body: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(body))
  return `"${encode(new Uint8Array(digest)).slice(0, 22)}"`
}

/** RFC 9110 §13.1.2: a list of tags, weak or not, or `*`. */
function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag)
}
