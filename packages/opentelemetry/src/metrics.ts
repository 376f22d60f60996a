import type { FhirAuthEvent } from '@fhir-auth/core'
import type { Attributes, Histogram, Meter } from '@opentelemetry/api'
import { failureOf, originOf, serverOf } from './attributes.ts'

/** The buckets of OpenTelemetry's own HTTP metrics, in seconds. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
/** How many backend tokens the gauge shows at most: those that were renewed last. */
const MAX_TOKENS = 1000

interface KnownToken {
  readonly expiresAt: number
  readonly attributes: Attributes
}

/** Counts and times events. The number of attribute values is limited by the app's servers, clients, scopes and error codes. */
export function createMetrics(meter: Meter, now: () => number): (event: FhirAuthEvent) => void {
  const counter = (name: string, unit: string, description: string) => meter.createCounter(name, { unit, description })
  const started = counter('fhir_auth.logins.started', '{login}', 'Logins that were sent to an authorization server.')
  const logins = counter('fhir_auth.logins', '{login}', 'Logins that finished, with error.type if they failed.')
  const refreshes = counter('fhir_auth.refreshes', '{refresh}', 'Refreshes, with error.type if they failed.')
  const tokens = counter('fhir_auth.tokens', '{token}', 'Backend token requests, with error.type if they failed.')
  const ended = counter('fhir_auth.launches.ended', '{launch}', 'Launches that ended, by reason.')
  const storeFailures = counter('fhir_auth.store.failures', '{call}', 'Calls to the store that failed or timed out.')
  const requests = timer(meter, 'fhir_auth.request.duration', 'Requests to authorization servers.')
  const known = watchTokens(meter, now)
  return function count(event) {
    const origin = originOf(event)
    const outcome = { ...origin, ...failureOf('error' in event ? event.error : undefined) }
    switch (event.type) {
      case 'login_started':
        return started.add(1, origin)
      case 'login':
      case 'login_failed':
        return logins.add(1, outcome)
      case 'refresh':
      case 'refresh_failed':
        return refreshes.add(1, outcome)
      case 'launch_ended':
        return ended.add(1, { ...origin, 'fhir_auth.end.reason': event.reason })
      case 'store_failed':
        return storeFailures.add(1)
      case 'token_taken':
        return known(event.expiresAt, { ...origin, 'fhir_auth.scope': event.scope })
      case 'token':
        known(event.expiresAt, { ...origin, 'fhir_auth.scope': event.scope })
        return tokens.add(1, outcome)
      case 'token_failed':
        return tokens.add(1, outcome)
      case 'request':
        return requests.record(event.durationMs / 1000, requestAttributes(event))
    }
  }
}

export function timer(meter: Meter, name: string, description: string): Histogram {
  return meter.createHistogram(name, { unit: 's', description, advice: { explicitBucketBoundaries: SECONDS } })
}

function requestAttributes(event: Extract<FhirAuthEvent, { readonly type: 'request' }>): Attributes {
  const { purpose, grantType, url, status, error } = event
  const answered = status !== undefined && status >= 400 ? String(status) : undefined
  const failure = error?.code ?? answered
  return {
    ...serverOf(url),
    'fhir_auth.request.purpose': purpose,
    ...(grantType !== undefined && { 'fhir_auth.grant_type': grantType }),
    ...(status !== undefined && { 'http.response.status_code': status }),
    ...(failure !== undefined && { 'error.type': failure }),
  }
}

/**
 * A gauge of how long each backend token is still valid. An expired token is shown as 0, even if nobody needs it any more: if
 * it were left out, SDKs would keep exporting its last value.
 */
function watchTokens(meter: Meter, now: () => number): (expiresAt: number, attributes: Attributes) => void {
  const known = new Map<string, KnownToken>()
  const remaining = meter.createObservableGauge('fhir_auth.token.remaining', {
    unit: 's',
    description: 'Time until a backend token expires, 0 afterwards.',
  })
  remaining.addCallback((result) => {
    for (const { expiresAt, attributes } of known.values()) {
      result.observe(Math.max(0, expiresAt - now()) / 1000, attributes)
    }
  })
  return (expiresAt, attributes) => {
    const key = JSON.stringify(attributes)
    known.delete(key)
    known.set(key, { expiresAt, attributes })
    const [oldest] = known.keys()
    if (known.size > MAX_TOKENS && oldest !== undefined) known.delete(oldest)
  }
}
