import type { Dialect } from '@fhir-auth/core'
import { endpointsOfCapabilityStatement, shownUrl } from '@fhir-auth/core/internal'
import { type SourceName as DocumentName, examineServer, type SourceAnswer } from '@fhir-auth/core/protocol'
import { findInServer } from './discovery-findings.ts'
import { type CommandResult, type Finding, hasError } from './finding.ts'
import { networkFaultOf } from './network-fault.ts'
import { type Exchange, recordingFetch } from './recording-fetch.ts'
import type { SourceReport } from './source-report.ts'

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

const DOCUMENTS: readonly DocumentName[] = ['smart-configuration', 'openid-configuration', 'CapabilityStatement']

/** Reads all discovery documents of a server, and says what they mean for an app. */
export async function inspectServer(target: InspectionTarget): Promise<ServerReport> {
  const { fhirBaseUrl, dialect } = target
  const { fetch, exchanges } = recordingFetch()
  const place = { fhirBaseUrl, discovery: dialect.discovery, metadata: {} }
  const examination = await examineServer(place, 'all', { fetch })
  const metadata = examination.failure === undefined ? examination.metadata : undefined
  const sources = DOCUMENTS.map((document) => reportOf(document, examination.answers, exchanges))
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

/** The answer of one source, for the report. */
function reportOf(
  document: DocumentName,
  answers: readonly SourceAnswer[],
  exchanges: readonly Exchange[],
): SourceReport {
  const answer = answers.find(({ name }) => name === document)
  if (answer === undefined) {
    const reason = 'No issuer is known. Name one with --issuer.'
    return { document, url: undefined, found: false, reason, base: '', content: {} }
  }
  const { url, base, failure, contentType } = answer
  const exchange = exchanges.find(({ request }) => request.url === url)
  const status = answer.status ?? exchange?.answer?.status
  const known = { document, url, base, status, contentType }
  const isForeign = failure?.code === 'issuer_mismatch'
  const received = answer.document
  if (received === undefined || isForeign) {
    const location = exchange?.answer?.headers.get('location')
    const reason = `${sentence(failure?.message ?? '')}${location ? ` It points to ${shownUrl(location)}.` : ''}`
    const isFault = failure !== undefined && (answer.status === undefined || answer.status === 200) && !isForeign
    const fault = isFault ? networkFaultOf(failure, exchange) : undefined
    return { ...known, found: false, content: {}, reason, fault, isForeign }
  }
  const content = document === 'CapabilityStatement' ? endpointsOfCapabilityStatement(received) : received
  if (document === 'CapabilityStatement' && Object.keys(content).length === 0) {
    return { ...known, found: false, content: {}, reason: 'It names no OAuth endpoint.' }
  }
  return { ...known, found: true, content }
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`
}
