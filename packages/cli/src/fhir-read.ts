import { FhirAuthError, ScopeSet } from '@fhir-auth/core'
import { type HttpAnswer, jsonObject, sendBounded } from '@fhir-auth/core/internal'
import { parseScope } from '@fhir-auth/core/protocol'
import { type Advice, remediesOf } from './advice/advice.ts'
import { READ_ADVICE } from './advice/read-table.ts'
import { networkFaultOf } from './network-fault.ts'
import { recordingFetch } from './recording-fetch.ts'

export interface ReadOutcome {
  readonly path: string
  readonly status: 'green' | 'amber' | 'red'
  readonly summary: string
  readonly remedy?: string
}

/** A search result may be long, but nothing of it is kept. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024

/**
 * A read that the scope allows: a search for one resource of the first type that may be searched, with the scope's own search
 * parameters. If there is none, `metadata`, which needs no scope.
 */
export function readAllowedBy(scope: string): string {
  for (const text of ScopeSet.parse(scope)) {
    const parsed = parseScope(text)
    if (parsed.kind !== 'resource' || !parsed.interactions.includes('s')) continue
    const type = parsed.resourceType === '*' ? 'Patient' : parsed.resourceType
    const search = new URLSearchParams()
    for (const [name, value] of parsed.query) search.append(name, value)
    search.append('_count', '1')
    return `${type}?${search}`
  }
  return 'metadata'
}

/** Reads once with a token, and does not show what it read. */
export async function tryRead(fhirBaseUrl: string, path: string, accessToken: string): Promise<ReadOutcome> {
  const url = `${fhirBaseUrl.replace(/\/$/, '')}/${path.replace(/^\//, '')}`
  const headers = { accept: 'application/fhir+json', authorization: `Bearer ${accessToken}` }
  const recording = recordingFetch()
  let answer: HttpAnswer
  try {
    answer = await sendBounded({ method: 'GET', url, headers, maxBytes: MAX_ANSWER_BYTES }, { fetch: recording.fetch })
  } catch (error) {
    const fault = error instanceof FhirAuthError ? networkFaultOf(error, recording.exchanges[0]) : undefined
    if (!fault) throw error
    return { path, status: 'red', summary: fault.what, remedy: fault.remedy }
  }
  return { path, ...judge(answer) }
}

function judge(answer: HttpAnswer): Omit<ReadOutcome, 'path'> {
  const { status } = answer
  const outcome = (level: ReadOutcome['status'], summary: string, advice: Advice) => ({
    ...{ status: level, summary, remedy: remediesOf(advice).join(' ') },
  })
  if (status === 401) return outcome('red', 'It answered 401: the token is refused.', READ_ADVICE.refusedToken)
  if (status === 403) {
    return outcome('red', 'It answered 403: the token is good, but this read is not allowed.', READ_ADVICE.notAllowed)
  }
  if (status >= 500) return outcome('red', `It answered ${status}.`, READ_ADVICE.brokenServer)
  if (status !== 200) return outcome('amber', `It answered ${status}.`, READ_ADVICE.otherStatus)
  const type = resourceTypeOf(answer)
  return type === undefined
    ? outcome('red', 'It answered 200 without a FHIR resource.', READ_ADVICE.noResource)
    : { status: 'green', summary: `It answered 200 with a ${type}.` }
}

function resourceTypeOf(answer: HttpAnswer): string | undefined {
  try {
    const { resourceType } = jsonObject(answer)
    return typeof resourceType === 'string' && /^[A-Za-z]{1,64}$/.test(resourceType) ? resourceType : undefined
  } catch {
    return undefined
  }
}
