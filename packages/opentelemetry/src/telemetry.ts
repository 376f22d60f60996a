import type { EventListener, Store } from '@fhir-auth/core'
import { type MeterProvider, metrics, type TracerProvider, trace } from '@opentelemetry/api'
import { createMetrics, timer } from './metrics.ts'
import { recordSpan } from './spans.ts'
import { watchedStore } from './watched-store.ts'

export interface TelemetryOptions {
  /** Default: the global one. */
  tracerProvider?: TracerProvider | undefined
  /** Default: the global one. */
  meterProvider?: MeterProvider | undefined
  /** The clock, in milliseconds since the epoch. Default `Date.now`. */
  now?: (() => number) | undefined
}

export interface Telemetry {
  /** For the option `onEvent` of a launch or of backend services. One listener serves several of them. */
  readonly onEvent: EventListener
  /**
   * A store whose calls are timed, for `session.store` or `sharedTokens.store`.
   *
   * @param system - its name by OpenTelemetry's conventions, e.g. `redis` or `postgresql`
   */
  watchStore(store: Store, system?: string): Store
}

const NAME = '@fhir-auth/opentelemetry'

/**
 * Spans and metrics of fhir-auth. No attribute contains a token, a code, a session or a patient.
 *
 * @example
 * ```ts
 * import { fhirAuthTelemetry } from '@fhir-auth/opentelemetry'
 *
 * const { onEvent, watchStore } = fhirAuthTelemetry()
 * ```
 */
export function fhirAuthTelemetry(options: TelemetryOptions = {}): Telemetry {
  const { tracerProvider, meterProvider, now = Date.now } = options
  const tracer = tracerProvider?.getTracer(NAME) ?? trace.getTracer(NAME)
  const meter = meterProvider?.getMeter(NAME) ?? metrics.getMeter(NAME)
  const count = createMetrics(meter, now)
  const storeDuration = timer(meter, 'fhir_auth.store.duration', 'Calls to the store of sessions and shared tokens.')
  return {
    onEvent(event) {
      recordSpan(tracer, event)
      count(event)
    },
    watchStore: (store, system) => watchedStore(store, storeDuration, system),
  }
}
