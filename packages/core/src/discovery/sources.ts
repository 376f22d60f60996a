import { FhirAuthError } from '../errors.ts'
import { jsonObject } from '../http/json-body.ts'
import { type HttpAnswer, type HttpOptions, onceMoreAfterReset, sendBounded } from '../http/send-bounded.ts'
import { maxAgeSeconds } from '../http/time-headers.ts'
import { shownText } from '../shared/shown-text.ts'
import { endpointsOfCapabilityStatement } from './capability-statement.ts'
import { type EndpointRules, type Members, readMembers } from './server-metadata.ts'

/** The documents in which a server may describe itself, in order of priority. */
export type SourceName = 'smart-configuration' | 'openid-configuration' | 'CapabilityStatement'

export interface Source {
  readonly name: SourceName
  readonly url: string
  /** The base of its relative URLs, as a directory. */
  readonly base: string
  /** The issuer that the document must name (OpenID Connect Discovery §4.3). */
  readonly issuer?: string | undefined
}

/** The answer of one source. */
export interface SourceAnswer extends Source {
  /** Undefined if there was no response. */
  readonly status: number | undefined
  readonly contentType: string | undefined
  /** The JSON object as received; undefined if there is none. */
  readonly document: Readonly<Record<string, unknown>> | undefined
  /** The known members; undefined if the source is not used. */
  readonly members: Members | undefined
  /** Why the source is not used. */
  readonly failure: FhirAuthError | undefined
  /** `max-age` of the response, in seconds. */
  readonly maxAgeSeconds: number | undefined
}

/** The CapabilityStatement of a full server can have several megabytes. */
const MAX_DOCUMENT_BYTES = 8 * 1024 * 1024

/** Asks one source. It does not reject for a fault of the server: the answer says what went wrong. */
export async function askSource(source: Source, rules: EndpointRules, http: HttpOptions): Promise<SourceAnswer> {
  const { name, url, base, issuer } = source
  const accept = name === 'CapabilityStatement' ? 'application/fhir+json' : 'application/json'
  let answer: HttpAnswer | undefined
  let document: Record<string, unknown> | undefined
  let members: Members | undefined
  let failure: FhirAuthError | undefined
  try {
    const request = {
      method: 'GET',
      url,
      headers: { accept },
      maxBytes: MAX_DOCUMENT_BYTES,
      purpose: 'discovery',
    } as const
    // A reset of an idle connection is not a failure of the server.
    answer = await onceMoreAfterReset(() => sendBounded(request, http))
    if (answer.status !== 200) throw new FhirAuthError('invalid_response', `it answered ${answer.status}`)
    document = jsonObject(answer)
    if (issuer !== undefined) checkIssuer(document, issuer)
    const endpoints = name === 'CapabilityStatement' ? endpointsOfCapabilityStatement(document) : document
    const found = readMembers(endpoints, base, rules)
    if (Object.keys(found).length === 0) throw new FhirAuthError('invalid_response', 'it names no endpoint')
    members = found
  } catch (error) {
    if (!(error instanceof FhirAuthError)) throw error
    failure = error
  }
  const contentType = answer?.headers.get('content-type') ?? undefined
  const age = answer && maxAgeSeconds(answer.headers)
  return { ...source, status: answer?.status, contentType, document, members, failure, maxAgeSeconds: age }
}

/**
 * Whether a source may give a better answer soon: it did not answer, or it was busy or broken. A missing or empty document is
 * a final answer.
 */
export function isUnsettled({ status, failure }: SourceAnswer): boolean {
  if (failure === undefined) return false
  if (status === undefined) return failure.code === 'network_error' || failure.code === 'timeout'
  return status >= 500 || status === 429 || status === 408
}

/** Appends a path to the base, which may have a path of its own and may end with a slash. */
export function below(base: string, path: string): string {
  return base.endsWith('/') ? base + path : `${base}/${path}`
}

function checkIssuer(document: Record<string, unknown>, issuer: string): void {
  if (document.issuer === issuer) return
  const named = typeof document.issuer === 'string' ? `the issuer ${shownText(document.issuer)}` : 'no issuer'
  throw new FhirAuthError('issuer_mismatch', `it names ${named}, not ${shownText(issuer)}`)
}
