import {
  type Dialect,
  type Discovered,
  discover,
  endpointsOfCapabilityStatement,
  FhirAuthError,
  type HttpAnswer,
  jsonObject,
  sendBounded,
  shownUrl,
} from '@fhir-auth/core'
import { findInServer } from './discovery-findings.ts'
import { type CommandResult, type Finding, hasError } from './finding.ts'
import { type NetworkFault, networkFaultOf } from './network-fault.ts'
import { type Exchange, recordingFetch } from './recording-fetch.ts'

export type DocumentName = 'smart-configuration' | 'openid-configuration' | 'CapabilityStatement'

/** One place where a server may describe itself. */
export interface SourceReport {
  readonly document: DocumentName
  /** Undefined when it is not known where to look. */
  readonly url: string | undefined
  readonly found: boolean
  readonly status?: number | undefined
  readonly contentType?: string | undefined
  /** Why it is not found, or not used. */
  readonly reason?: string | undefined
  readonly fault?: NetworkFault | undefined
  /** It describes another issuer than the one that was asked. */
  readonly isForeign?: boolean | undefined
  /** What relative URLs in it are relative to. */
  readonly base: string
  /** As received; the OAuth endpoints alone of a CapabilityStatement. */
  readonly content: Readonly<Record<string, unknown>>
}

export interface InspectionTarget {
  readonly fhirBaseUrl: string
  readonly dialect: Dialect
}

export interface ServerReport extends CommandResult {
  readonly fhirBaseUrl: string
  readonly sources: readonly Pick<SourceReport, 'document' | 'url' | 'found' | 'status' | 'contentType' | 'reason'>[]
  readonly issuer: string | undefined
  readonly endpoints: Readonly<Record<string, string>>
  readonly capabilities: readonly string[] | undefined
  readonly grantTypes: readonly string[] | undefined
  readonly authMethods: readonly string[] | undefined
  readonly algorithms: {
    readonly assertion: readonly string[] | undefined
    readonly idToken: readonly string[] | undefined
  }
  readonly pkce: readonly string[] | undefined
  readonly findings: readonly Finding[]
}

/** A CapabilityStatement of a full server runs to megabytes. */
const MAX_DOCUMENT_BYTES = 8 * 1024 * 1024

/** Looks into every place where a server may describe itself, and says what that means for an app. */
export async function inspectServer(target: InspectionTarget): Promise<ServerReport> {
  const { fhirBaseUrl, dialect } = target
  const smartUrl = smartConfigurationUrl(target)
  const smart = await read('smart-configuration', smartUrl, fhirBaseUrl, 'application/json')
  const named = smart.content.issuer
  const issuer = dialect.discovery.issuer ?? (typeof named === 'string' ? named : undefined)
  const openid = await readOpenidConfiguration(issuer)
  const metadataUrl = below(fhirBaseUrl, 'metadata')
  const capability = await read('CapabilityStatement', metadataUrl, fhirBaseUrl, 'application/fhir+json')
  const sources = [smart, openid, capability]
  const { metadata } = await effective(target)
  const findings = findInServer(sources, metadata)
  const isEndpoint = ([name, value]: [string, unknown]) =>
    /_endpoint$|^jwks_uri$/.test(name) && typeof value === 'string'
  return {
    ok: !hasError(findings),
    fhirBaseUrl,
    sources: sources.map(({ document, url, found, status, contentType, reason }) => ({
      document,
      url,
      found,
      status,
      contentType,
      reason,
    })),
    issuer: metadata?.issuer,
    endpoints: Object.fromEntries(Object.entries(metadata ?? {}).filter(isEndpoint)),
    capabilities: metadata?.capabilities,
    grantTypes: metadata?.grant_types_supported,
    authMethods: metadata?.token_endpoint_auth_methods_supported,
    algorithms: {
      assertion: metadata?.token_endpoint_auth_signing_alg_values_supported,
      idToken: metadata?.id_token_signing_alg_values_supported,
    },
    pkce: metadata?.code_challenge_methods_supported,
    findings,
  }
}

/** What the library itself would use, by its own order and rules. */
async function effective({ fhirBaseUrl, dialect }: InspectionTarget): Promise<Partial<Discovered>> {
  const target = { fhirBaseUrl, discovery: dialect.discovery, metadata: {} }
  try {
    return await discover(target, ['authorization_endpoint', 'token_endpoint'], {})
  } catch (error) {
    if (error instanceof FhirAuthError) return {}
    throw error
  }
}

async function readOpenidConfiguration(issuer: string | undefined): Promise<SourceReport> {
  if (issuer === undefined) {
    const reason = 'No issuer is known. Name one with --issuer.'
    return { document: 'openid-configuration', url: undefined, found: false, reason, base: '', content: {} }
  }
  const url = below(issuer, '.well-known/openid-configuration')
  const source = await read('openid-configuration', url, issuer, 'application/json')
  if (!source.found || source.content.issuer === issuer) return source
  const reason = `It names the issuer ${JSON.stringify(source.content.issuer)}, not "${issuer}".`
  return { ...source, found: false, isForeign: true, reason }
}

async function read(document: DocumentName, url: string, base: string, accept: string): Promise<SourceReport> {
  const recording = recordingFetch()
  const nothing = { document, url, base, found: false, content: {} }
  let answer: HttpAnswer
  try {
    const request = { method: 'GET', url, headers: { accept }, maxBytes: MAX_DOCUMENT_BYTES } as const
    answer = await sendBounded(request, { fetch: recording.fetch })
  } catch (error) {
    const { status, headers } = recording.exchanges[0]?.answer ?? {}
    const location = headers?.get('location')
    const reason = `${messageOf(error)}${location ? ` It points to ${shownUrl(location)}.` : ''}`
    return { ...nothing, status, reason, fault: faultOf(error, recording.exchanges[0]) }
  }
  const { status } = answer
  const contentType = answer.headers.get('content-type') ?? undefined
  if (status !== 200) return { ...nothing, status, contentType, reason: `It answered ${status}.` }
  try {
    const received = jsonObject(answer)
    const content = document === 'CapabilityStatement' ? endpointsOfCapabilityStatement(received) : received
    if (document === 'CapabilityStatement' && Object.keys(content).length === 0) {
      return { ...nothing, status, contentType, reason: 'It names no OAuth endpoint.' }
    }
    return { document, url, base, found: true, status, contentType, content }
  } catch (error) {
    return { ...nothing, status, contentType, reason: messageOf(error), fault: faultOf(error, recording.exchanges[0]) }
  }
}

function smartConfigurationUrl({ fhirBaseUrl, dialect }: InspectionTarget): string {
  const { url } = dialect.discovery
  const given = typeof url === 'function' ? url(fhirBaseUrl) : url
  return given ?? below(fhirBaseUrl, '.well-known/smart-configuration')
}

/** Appended after any path, as core does. */
function below(base: string, path: string): string {
  return base.endsWith('/') ? base + path : `${base}/${path}`
}

function faultOf(error: unknown, exchange: Exchange | undefined): NetworkFault | undefined {
  return error instanceof FhirAuthError ? networkFaultOf(error, exchange) : undefined
}

function messageOf(error: unknown): string {
  if (error instanceof FhirAuthError) return error.message
  throw error
}
