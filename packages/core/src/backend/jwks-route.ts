import type { KeySet } from '../client/keys/key-set.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'
import type { AdapterRequest, Answer } from '../web/adapter-contract.ts'
import { refuseMethod } from '../web/answers.ts'

export interface JwksRouteSettings {
  readonly keys: KeySet | undefined
  /** `max-age` of the answer, in seconds. */
  readonly jwksMaxAgeSeconds: number
  readonly now: () => number
}

/**
 * Serves the public keys, with no login and no redirect, so that the server can fetch them while it decides. Which keys
 * stand in it is the key set's business: next, active, and retired ones within their overlap.
 */
export function answerJwks(request: AdapterRequest, settings: JwksRouteSettings): MaybePromise<Answer> {
  const { keys, jwksMaxAgeSeconds, now } = settings
  const refused = refuseMethod(request, 'GET, HEAD')
  if (refused) return refused
  const publish = () => jwksAnswer(keys?.publicJwks(now(), jwksMaxAgeSeconds) ?? { keys: [] }, jwksMaxAgeSeconds)
  const refreshing = keys?.refresh(now())
  return refreshing instanceof Promise ? refreshing.then(publish) : publish()
}

function jwksAnswer(jwks: object, maxAgeSeconds: number): Answer {
  const headers = {
    'content-type': 'application/json',
    'cache-control': `public, max-age=${maxAgeSeconds}`,
    'access-control-allow-origin': '*',
  }
  return { kind: 'jwks', status: 200, headers, cookies: [], body: JSON.stringify(jwks) }
}
