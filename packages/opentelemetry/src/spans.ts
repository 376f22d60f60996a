import type { FhirAuthEvent } from '@fhir-auth/core'
import { type Attributes, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api'
import { failureOf, originOf, serverOf } from './attributes.ts'

interface SpanOf {
  readonly name: string
  readonly durationMs: number
  readonly attributes: Attributes
  readonly kind?: SpanKind | undefined
  /** A code of docs/errors.md, or the HTTP status of the server's response. */
  readonly failure?: string | undefined
}

/** Makes a span for each event with a duration. It is a child of the active span, usually that of the HTTP request. */
export function recordSpan(tracer: Tracer, event: FhirAuthEvent): void {
  const span = spanOf(event)
  if (span === undefined) return
  const { name, durationMs, attributes, kind = SpanKind.INTERNAL, failure } = span
  const end = Date.now()
  const recorded = tracer.startSpan(name, { kind, attributes, startTime: end - durationMs })
  if (failure !== undefined) recorded.setStatus({ code: SpanStatusCode.ERROR, message: failure })
  recorded.end(end)
}

function spanOf(event: FhirAuthEvent): SpanOf | undefined {
  switch (event.type) {
    case 'login_started':
      return { ...timed(event), name: 'fhir_auth.login' }
    case 'login':
    case 'login_failed':
      return { ...timed(event), name: 'fhir_auth.callback' }
    case 'refresh':
    case 'refresh_failed':
      return { ...timed(event), name: 'fhir_auth.refresh' }
    case 'token':
    case 'token_failed':
      return { ...timed(event), name: 'fhir_auth.token' }
    case 'request':
      return requestSpan(event)
    default:
      return undefined
  }
}

type TimedEvent = Extract<FhirAuthEvent, { readonly durationMs: number }>

function timed(event: Exclude<TimedEvent, { readonly type: 'request' }>): Omit<SpanOf, 'name'> {
  const error = 'error' in event ? event.error : undefined
  const attributes = {
    ...originOf(event),
    ...failureOf(error),
    ...('launchId' in event && { 'fhir_auth.launch.id': event.launchId }),
    ...('isEhrLaunch' in event && { 'fhir_auth.launch.kind': event.isEhrLaunch ? 'ehr' : 'standalone' }),
  }
  return { durationMs: event.durationMs, attributes, failure: error?.code }
}

function requestSpan(event: Extract<FhirAuthEvent, { readonly type: 'request' }>): SpanOf {
  const { purpose, grantType, url, status, durationMs, error } = event
  const answered = status !== undefined && status >= 400 ? String(status) : undefined
  const failure = error?.code ?? answered
  const isRead = purpose === 'discovery' || purpose === 'jwks'
  return {
    name: purpose === 'token' ? 'fhir_auth.token_request' : `fhir_auth.${purpose}`,
    kind: SpanKind.CLIENT,
    durationMs,
    failure,
    attributes: {
      ...serverOf(url),
      'url.full': url,
      'http.request.method': isRead ? 'GET' : 'POST',
      ...(status !== undefined && { 'http.response.status_code': status }),
      ...(grantType !== undefined && { 'fhir_auth.grant_type': grantType }),
      ...(failure !== undefined && { 'error.type': failure }),
    },
  }
}
