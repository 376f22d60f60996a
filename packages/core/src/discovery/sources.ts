import { FhirAuthError } from '../errors.ts'
import { jsonObject } from '../http/json-body.ts'
import { type HttpAnswer, type HttpOptions, onceMoreAfterReset, sendBounded } from '../http/send-bounded.ts'
import { maxAgeSeconds } from '../http/time-headers.ts'
import { shownText } from '../shared/shown-text.ts'
import { endpointsOfCapabilityStatement } from './capability-statement.ts'
import { type EndpointRules, type Members, readMembers } from './server-metadata.ts'

/** The places where a server may describe itself, in the order in which they count. */
export type SourceName = 'smart-configuration' | 'openid-configuration' | 'CapabilityStatement'

export interface Source {
  readonly name: SourceName
  readonly url: string
  /** What relative URLs in it are relative to, as a directory. */
  readonly base: string
  /** Whose document it must be (OpenID Connect Discovery §4.3). */
  readonly issuer?: string | undefined
}

/** What one source answered. */
export interface SourceAnswer extends Source {
  /** Undefined where no answer came. */
  readonly status: number | undefined
  readonly contentType: string | undefined
  /** The JSON object as received; undefined where there is none. */
  readonly document: Readonly<Record<string, unknown>> | undefined
  /** What this library knows of it; undefined where it is not used. */
  readonly members: Members | undefined
  /** Why it is not used. */
  readonly failure: FhirAuthError | undefined
  /** `max-age` of the answer, in seconds. */
  readonly maxAgeSeconds: number | undefined
}

/** A CapabilityStatement of a full server runs to megabytes. */
const MAX_DOCUMENT_BYTES = 8 * 1024 * 1024

/** Asks one source. Never rejects for what the server does: the answer says what went wrong. */
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
    // A reset of an idle connection says nothing of the server.
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
 * Whether a source may answer better soon: it did not answer, or said that it is busy or broken. A document that is not
 * there, or says nothing, is a plain no.
 */
export function isUnsettled({ status, failure }: SourceAnswer): boolean {
  if (failure === undefined) return false
  if (status === undefined) return failure.code === 'network_error' || failure.code === 'timeout'
  return status >= 500 || status === 429 || status === 408
}

/** Appended after any path, never at the host's root, whatever slash the base ends with. */
export function below(base: string, path: string): string {
  return base.endsWith('/') ? base + path : `${base}/${path}`
}

function checkIssuer(document: Record<string, unknown>, issuer: string): void {
  if (document.issuer === issuer) return
  const named = typeof document.issuer === 'string' ? `the issuer ${shownText(document.issuer)}` : 'no issuer'
  throw new FhirAuthError('issuer_mismatch', `it names ${named}, not ${shownText(issuer)}`)
}
