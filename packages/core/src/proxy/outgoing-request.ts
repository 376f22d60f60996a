import { FhirAuthError } from '../errors.ts'
import type { FhirContext } from '../fhir/fhir-context.ts'
import type { StreamedRequest } from '../web/adapter-contract.ts'
import { type CheckedRule, ruleFor, ruleTextFor } from './allow-list.ts'
import { checkBatch } from './batch.ts'
import type { FhirInteraction } from './interaction.ts'
import type { FhirProxySettings } from './options.ts'
import { checkPatient, type PatientLimit, refersToOthers } from './patient-rule.ts'
import { parametersOf, queryTextOf } from './query.ts'
import { hasRepeatedName } from './repeated-names.ts'
import { checkLength, type OutgoingBody, readOutgoing, readWhole } from './request-body.ts'

/** A page's request, read as one of FHIR. */
export interface AskedRequest {
  readonly request: StreamedRequest
  readonly context: FhirContext
  readonly interaction: FhirInteraction
  /** Below the FHIR base. */
  readonly path: string
  readonly query: URLSearchParams
}

/** What is sent to the FHIR server. */
export interface OutgoingRequest {
  /** The URL there. */
  readonly target: string
  readonly body: OutgoingBody
}

type Settings = Pick<FhirProxySettings, 'allow' | 'isPatientEnforced' | 'maxRequestBytes'>

interface Permission {
  readonly rule: CheckedRule
  /** Undefined: it may be about anybody. */
  readonly limit: PatientLimit | undefined
}

const LAUNCH_ID = 'launch_id'

/**
 * What to send for a request of a page.
 *
 * @throws `proxy_refused` if it is not allowed, `request_too_large`
 */
export async function createOutgoing(asked: AskedRequest, settings: Settings): Promise<OutgoingRequest> {
  const { request, context, interaction, path, query } = asked
  const { allow, isPatientEnforced, maxRequestBytes } = settings
  checkLength(request.header('content-length'), maxRequestBytes)
  query.delete(LAUNCH_ID)
  const isForm = interaction.interaction === 'search' && request.method === 'POST'
  const form = isForm ? await readForm(request, maxRequestBytes) : undefined
  const rule = ruleFor(allow, interaction, form ? new URLSearchParams([...query, ...form]) : query)
  if (rule === undefined) {
    throw refused(
      `${request.method} ${interaction.type ?? '/'} is not allowed. Add ${ruleTextFor(interaction)} to allow of fhirProxy().`,
    )
  }
  const limit = isPatientEnforced ? limitOf(context, rule) : undefined
  if (limit && !rule.isPatientUnchecked && request.header('if-none-exist') !== undefined) {
    throw refused('The header If-None-Exist could match data of another patient.')
  }
  let added = ''
  if (limit) {
    const given = [...query].length
    // The form gets the parameter that is missing, so that what the query lacks is not added twice.
    refuseIf(checkPatient(interaction, { query: form ? new URLSearchParams(query) : query, rule }, limit))
    if (form) refuseIf(checkPatient(interaction, { query: form, rule }, limit))
    added = new URLSearchParams([...query].slice(given)).toString()
  }
  const search = [rawQuery(request.url), added].filter((part) => part !== '').join('&')
  const base = context.fhirBaseUrl.replace(/\/$/, '')
  return {
    target: `${path === '' ? base : `${base}/${path}`}${search && `?${search}`}`,
    body: form ? new TextEncoder().encode(form.toString()) : await bodyOf(asked, { rule, limit }, settings),
  }
}

export function refused(message: string): FhirAuthError {
  return new FhirAuthError('proxy_refused', message)
}

async function bodyOf(
  { request, interaction }: AskedRequest,
  { rule, limit }: Permission,
  { allow, maxRequestBytes }: Settings,
): Promise<OutgoingBody> {
  if (request.method === 'GET' || request.method === 'HEAD') return undefined
  const { body } = request
  const isBatch = interaction.interaction === 'batch'
  if (!isBatch && (limit === undefined || rule.isPatientUnchecked)) return readOutgoing(body, maxRequestBytes)
  const bytes = await readWhole(body, maxRequestBytes)
  if (bytes.byteLength === 0 && !isBatch) return undefined
  const content = parsed(bytes, request.header('content-type'))
  if (isBatch) refuseIf(checkBatch(content, allow, limit))
  if (limit && refersToOthers(content, limit)) throw refused('The body refers to another patient.')
  return bytes
}

/** @throws `proxy_refused` if the patient rule holds and there is no patient */
function limitOf({ patient, fhirBaseUrl }: FhirContext, rule: CheckedRule): PatientLimit | undefined {
  if (patient !== undefined) return { patient, fhirBaseUrl }
  if (rule.isPatientUnchecked) return undefined
  throw refused('There is no patient in context, and the proxy only lets requests about one pass.')
}

async function readForm(request: StreamedRequest, maxBytes: number): Promise<URLSearchParams> {
  if (!request.header('content-type')?.startsWith('application/x-www-form-urlencoded')) {
    throw refused('A search by POST needs the content type application/x-www-form-urlencoded.')
  }
  return parametersOf(new TextDecoder().decode(await readWhole(request.body, maxBytes)))
}

/** The body as JSON that every reader reads alike. */
function parsed(bytes: Uint8Array, contentType = ''): unknown {
  if (!/^application\/(?:[a-z.-]+\+)?json\b/i.test(contentType)) throw refused('This request needs a body in JSON.')
  let text: string
  let content: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    content = JSON.parse(text)
  } catch {
    throw refused('The body is not JSON.')
  }
  if (hasRepeatedName(text)) throw refused('The body has a member twice.')
  return content
}

/** The query as it was sent, without the launch id. Some servers would also separate at a semicolon, which is part of a value here. */
function rawQuery(url: string): string {
  const pairs = queryTextOf(url).split('&')
  return pairs
    .filter((pair) => pair !== '' && !parametersOf(pair).has(LAUNCH_ID))
    .join('&')
    .replaceAll(';', '%3B')
}

function refuseIf(reason: string | undefined): void {
  if (reason !== undefined) throw refused(reason)
}
