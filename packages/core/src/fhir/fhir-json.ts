import { FhirAuthError } from '../errors.ts'
import { readBounded } from '../http/read-bounded.ts'
import { networkReason } from '../http/send-bounded.ts'
import { retryAfterSeconds } from '../http/time-headers.ts'
import { type OptionRules, positive, readOptions } from '../options.ts'
import { shownText } from '../shared/shown-text.ts'
import { withTimeLimit } from '../shared/time-limit.ts'
import { type FhirAccess, fetchFhir } from './fhir-fetch.ts'
import { FhirRequestError } from './fhir-request-error.ts'
import { outcomeSummary, readOperationOutcome } from './operation-outcome.ts'

/** The limits of `fhir.json`. */
export interface FhirJsonLimits {
  /** Time limit of each request, including its body, in seconds. Default 30. */
  timeoutSeconds?: number | undefined
  /** The largest response that is read, in bytes. Default 16 MiB. */
  maxBytes?: number | undefined
}

/** Options of `fhir.json`: those of `fetch`, and limits. */
export interface FhirJsonInit extends RequestInit, FhirJsonLimits {}

interface FhirJsonRequest {
  readonly url: string | URL
  readonly init: FhirJsonInit | undefined
  /** Whether the token is a person's. A person can log in again if the token is refused; a system cannot. */
  readonly isPerson: boolean
}

const LIMITS = {
  timeoutSeconds: positive(30),
  maxBytes: positive(16 * 1024 * 1024),
} satisfies OptionRules<FhirJsonLimits>

/** Larger than any real OperationOutcome. */
const MAX_OUTCOME_BYTES = 256 * 1024

/** See `FhirContext.json`. */
export async function fetchFhirJson(access: FhirAccess, { url, init, isPerson }: FhirJsonRequest): Promise<unknown> {
  const { timeoutSeconds, maxBytes, ...given } = init ?? {}
  const limits = readOptions({ timeoutSeconds, maxBytes }, LIMITS, 'fhir.json()')
  const method = (given.method ?? 'GET').toUpperCase()
  const target = shownTarget(String(url), access.fhirBaseUrl)
  const asked = target ? `${method} ${target}` : `a ${method} request`
  const limit = new AbortController()
  const callers = given.signal ?? undefined
  const signal = callers ? AbortSignal.any([callers, limit.signal]) : limit.signal
  const exchange = { access, url, given: { ...given, signal }, asked, maxBytes: limits.maxBytes, isPerson, callers }
  return withTimeLimit(
    () => readFhirJson(exchange),
    limits.timeoutSeconds,
    () => {
      limit.abort()
      return new FhirAuthError(
        'timeout',
        `The FHIR server did not answer ${asked} within ${limits.timeoutSeconds} s. Try again later, or raise timeoutSeconds of fhir.json().`,
      )
    },
  )
}

interface FhirJsonExchange {
  readonly access: FhirAccess
  readonly url: string | URL
  readonly given: RequestInit
  /** The request, in words for a message. */
  readonly asked: string
  readonly maxBytes: number
  readonly isPerson: boolean
  /** The signal that the app gave. */
  readonly callers: AbortSignal | undefined
}

async function readFhirJson(exchange: FhirJsonExchange): Promise<unknown> {
  const { access, url, given, asked, maxBytes, isPerson } = exchange
  // Not called as a method, because workerd's fetch refuses that.
  const { send: transport } = access
  const send: FhirAccess['send'] = (target, request) => clearly(exchange, () => transport(target, request))
  const response = await fetchFhir({ ...access, send }, url, { ...given, headers: headersOf(given) })
  if (!response.ok) {
    const body = await readBounded(response, MAX_OUTCOME_BYTES).catch(() => undefined)
    throw failedRequest(response, body ?? '', asked, isPerson)
  }
  const body = await clearly(exchange, () => readBounded(response, maxBytes))
  if (body === undefined) {
    throw new FhirAuthError(
      'response_too_large',
      `The FHIR server answered ${asked} with more than ${maxBytes} bytes. Request less, raise maxBytes of fhir.json(), or read the response as a stream with fhir.fetch().`,
    )
  }
  // The write has succeeded. An error would make the app repeat it.
  if (body === '' && (given.method ?? 'GET').toUpperCase() !== 'GET') return undefined
  return parseObject(body, response, asked)
}

/** @throws `network_error`, or the reason of the caller's own signal */
async function clearly<Result>({ asked, callers }: FhirJsonExchange, step: () => Promise<Result>): Promise<Result> {
  try {
    return await step()
  } catch (error) {
    if (callers?.aborted || error instanceof FhirAuthError) throw error
    // No cause, because it may contain the URL, which may identify a patient.
    throw new FhirAuthError(
      'network_error',
      `The FHIR server could not be reached for ${asked}: ${networkReason(error)}.`,
    )
  }
}

function headersOf({ headers, body }: RequestInit): Headers {
  const sent = new Headers(headers)
  if (typeof body === 'string' && !sent.has('content-type')) sent.set('content-type', 'application/fhir+json')
  return sent
}

function failedRequest(response: Response, body: string, asked: string, isPerson: boolean): FhirRequestError {
  const { status: serverStatus, headers } = response
  const operationOutcome = readOperationOutcome(body)
  const summary = outcomeSummary(operationOutcome)
  const message = `The FHIR server answered ${serverStatus} to ${asked}${summary ? ` (${summary})` : ''}.`
  const whole = operationOutcome ? ' Its whole answer is in operationOutcome.' : ''
  return new FhirRequestError(message + remedyFor(serverStatus, isPerson) + whole, {
    status: statusFor(serverStatus, isPerson),
    serverStatus,
    operationOutcome,
    retryAfterSeconds: retryAfterSeconds(headers, Date.now()),
  })
}

/** What to do about the statuses that servers give for the same reason. */
function remedyFor(serverStatus: number, isPerson: boolean): string {
  if (serverStatus === 401)
    return isPerson ? ' The person has to log in again.' : ' The server takes no token of this app.'
  if (serverStatus === 403) return ' The token may not do this: compare the granted scopes.'
  return serverStatus === 429 ? ' Ask less often.' : ''
}

/** The status of the app's own response: that of the server, or 502 if the server itself failed (RFC 9110 §15.6.3). */
function statusFor(serverStatus: number, isPerson: boolean): number {
  if (serverStatus === 401) return isPerson ? 401 : 502
  const isPassedOn = (serverStatus >= 400 && serverStatus < 500) || serverStatus === 503 || serverStatus === 504
  return isPassedOn ? serverStatus : 502
}

function parseObject(body: string, response: Response, asked: string): object {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    // Reported below.
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  const type = response.headers.get('content-type') ?? 'no content type'
  throw new FhirAuthError(
    'invalid_response',
    `The FHIR server answered ${asked} with ${response.status}, but not with a JSON object (${shownText(type)}). For anything else, use fhir.fetch().`,
  )
}

/** The resource type or operation in a URL, for messages. Never an id or a parameter. */
function shownTarget(url: string, fhirBaseUrl: string): string {
  const path = (url.startsWith(fhirBaseUrl) ? url.slice(fhirBaseUrl.length) : url).split(/[?#]/, 1)[0] ?? ''
  const segments = path
    .split('/')
    .filter((segment) => /^(?:[A-Z][A-Za-z]{2,30}|[$_][a-z-]{2,30}|metadata)$/.test(segment))
  return path.includes('//') ? '' : segments.join('/')
}
