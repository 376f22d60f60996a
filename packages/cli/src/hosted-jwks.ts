import { FhirAuthError, type KeySet } from '@fhir-auth/core'
import { type HttpAnswer, jsonObject, maxAgeSeconds, sendBounded, shownUrl } from '@fhir-auth/core/internal'
import { type CommandResult, type Finding, hasError } from './finding.ts'
import { findInJwks } from './jwks-findings.ts'
import { networkFaultOf } from './network-fault.ts'
import { type Exchange, recordingFetch } from './recording-fetch.ts'

export interface HostedJwksReport extends CommandResult {
  readonly url: string
  /** As far as it is known. */
  readonly status: number | undefined
  readonly contentType: string | undefined
  /** How long servers may cache it, by `Cache-Control`; undefined if it does not say. */
  readonly cacheSeconds: number | undefined
  readonly keys: readonly { readonly kid: string | undefined; readonly alg: string | undefined }[]
  readonly findings: readonly Finding[]
}

/** A rotation must wait until the last cached copy has expired. */
const LONGEST_CACHE_SECONDS = 24 * 3600
const JSON_TYPES = ['application/json', 'application/jwk-set+json']

/**
 * Fetches a JWK Set as an authorization server would, without credentials and without following a redirect, and says
 * what is wrong.
 *
 * @param own - the app's keys: each must be published
 * @param timeoutSeconds - default: as long as the library waits, 10 seconds
 */
export async function checkHostedJwks(url: string, own?: KeySet, timeoutSeconds?: number): Promise<HostedJwksReport> {
  const recording = recordingFetch()
  const report = (findings: Finding[], answer?: HttpAnswer, keys: HostedJwksReport['keys'] = []): HostedJwksReport => ({
    ok: !hasError(findings),
    url,
    status: recording.exchanges[0]?.answer?.status,
    contentType: answer?.headers.get('content-type') ?? undefined,
    cacheSeconds: answer && maxAgeSeconds(answer.headers),
    keys,
    findings,
  })
  let answer: HttpAnswer
  try {
    const headers = { accept: 'application/json' }
    answer = await sendBounded({ method: 'GET', url, headers }, { fetch: recording.fetch, timeoutSeconds })
  } catch (error) {
    return report([faultFinding(error, recording.exchanges[0])])
  }
  if (answer.status !== 200) return report([statusFinding(answer)], answer)
  let document: Record<string, unknown>
  try {
    document = jsonObject(answer)
  } catch (error) {
    return report([faultFinding(error, recording.exchanges[0])], answer)
  }
  const keys = keysOf(document)
  const findings = [...findInJwks(document), ...findInHeaders(answer), ...unpublished(own, keys)]
  return report(findings, answer, keys)
}

function faultFinding(error: unknown, exchange: Exchange | undefined): Finding {
  const fault = error instanceof FhirAuthError ? networkFaultOf(error, exchange) : undefined
  if (!fault) throw error
  const meaning = 'The server cannot get your keys, and answers invalid_client.'
  const location = exchange?.answer?.headers.get('location')
  const target = location ? ` It points to ${shownUrl(location)}: register the final URL.` : ''
  return {
    code: fault.code,
    level: 'error',
    what: fault.what,
    meaning: `${meaning} ${target === '' ? fault.remedy : target.trim()}`,
  }
}

function statusFinding({ status }: HttpAnswer): Finding {
  const guarded = status === 401 || status === 403
  return {
    code: 'status',
    level: 'error',
    what: `The URL answered ${status}, not 200.`,
    meaning: guarded
      ? 'It must be open to everyone: servers send no credentials, and a firewall must let them through.'
      : 'The server cannot get your keys, and answers invalid_client.',
  }
}

function findInHeaders({ headers }: HttpAnswer): Finding[] {
  const findings: Finding[] = []
  const type = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type === undefined || !JSON_TYPES.includes(type)) {
    findings.push({
      code: 'content_type',
      level: 'warning',
      what: `The content type is ${type ?? 'missing'}.`,
      meaning: 'SMART asks for JSON; some servers refuse another type. Answer with application/json.',
    })
  }
  return [...findings, ...findInCaching(maxAgeSeconds(headers))]
}

function findInCaching(seconds: number | undefined): Finding[] {
  const finding = (code: string, what: string, meaning: string): Finding[] => [
    { code, level: 'warning', what, meaning },
  ]
  if (seconds === undefined) {
    return finding(
      'cache_missing',
      'Cache-Control gives no max-age.',
      'Servers keep the set as long as they like, so you cannot know when a new key may sign. Send max-age=600.',
    )
  }
  if (seconds === 0) {
    return finding(
      'cache_none',
      'Cache-Control forbids to keep the set.',
      'Servers fetch it for every token, so each of its outages is one of yours. Send max-age=600.',
    )
  }
  if (seconds > LONGEST_CACHE_SECONDS) {
    return finding(
      'cache_too_long',
      `Cache-Control lets servers keep the set for ${seconds} s.`,
      'A rotation, also after a leak, takes that long. Send max-age=600.',
    )
  }
  return []
}

function unpublished(own: KeySet | undefined, published: HostedJwksReport['keys']): Finding[] {
  const missing = own?.publicJwks().keys.filter(({ kid }) => !published.some((key) => key.kid === kid)) ?? []
  return missing.map(({ kid }) => ({
    code: 'key_not_published',
    level: 'error',
    what: `Your key ${kid} is not in the hosted set.`,
    meaning: 'The server refuses what it signs. Host the public set of the same file: fhir-auth jwks FILE',
  }))
}

function keysOf({ keys }: Record<string, unknown>): HostedJwksReport['keys'] {
  if (!Array.isArray(keys)) return []
  return keys.map((key: unknown) => {
    const { kid, alg } = typeof key === 'object' && key !== null ? (key as Record<string, unknown>) : {}
    return { kid: typeof kid === 'string' ? kid : undefined, alg: typeof alg === 'string' ? alg : undefined }
  })
}
