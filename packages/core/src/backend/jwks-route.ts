import type { KeySet } from '../client/keys/key-set.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'
import type { AdapterRequest, Answer } from '../web/adapter-contract.ts'
import { refuseMethod } from '../web/answers.ts'

export interface JwksRouteSettings {
  readonly keys: KeySet | undefined
  /** `max-age` of the response, in seconds. */
  readonly jwksMaxAgeSeconds: number
  readonly now: () => number
}

/**
 * Serves the public keys, without login and without redirect, because the server fetches them during a token request. The
 * key set decides which keys are in it: next, active, and recently retired ones.
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
