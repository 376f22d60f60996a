import { randomUUID } from 'node:crypto'
import { type FhirAccess, type FhirRequest, type FhirResponse, fhirJson, headerOf } from './fhir-message.ts'
import { FhirProblem, insufficientScope } from './operation-outcome.ts'
import {
  type FhirResource,
  isObject,
  isResourceType,
  patientOf,
  type ResourceType,
  referenceOf,
  resourceTypes,
} from './resource.ts'
import type { ResourceStore } from './resource-store.ts'
import { permissionFor, requirePermission } from './scope-check.ts'

/** Polls that are answered with 202 before the manifest is ready. */
const pollsUntilReady = 2
/** The oldest jobs are dropped, so that a sandbox that runs for long does not grow. */
const mostJobs = 100

interface ExportJob {
  clientId: string
  /** The kick-off URL, which the manifest repeats. */
  request: string
  transactionTime: string
  polls: number
  files: Map<ResourceType, FhirResource[]>
}

export interface BulkExport {
  /** `Group/{id}/$export`, or `Patient/$export` when `groupId` is undefined. */
  start(access: FhirAccess, request: FhirRequest, groupId: string | undefined): FhirResponse
  /** Everything below `/bulk/`: status, cancellation, files. */
  answer(access: FhirAccess, request: FhirRequest, segments: readonly string[]): FhirResponse
}

/** FHIR Bulk Data Access 2.0 "Bulk Data Kick-off Request" headers. */
function checkHeaders(request: FhirRequest): void {
  const preferences = (headerOf(request, 'prefer') ?? '').split(/[,;]/).map((each) => each.trim().toLowerCase())
  if (!preferences.includes('respond-async')) {
    throw new FhirProblem(400, 'required', 'An export needs the header Prefer: respond-async.')
  }
  if (!/\bapplication\/fhir\+json\b/i.test(headerOf(request, 'accept') ?? '')) {
    throw new FhirProblem(400, 'required', 'An export needs the header Accept: application/fhir+json.')
  }
}

// A "+" that was not escaped reads as a space.
const ndjsonFormats: readonly string[] = [
  'application/fhir+ndjson',
  'application/fhir ndjson',
  'application/ndjson',
  'ndjson',
]

function checkFormat(query: URLSearchParams): void {
  const format = query.get('_outputFormat')
  if (format !== null && !ndjsonFormats.includes(format)) {
    throw new FhirProblem(400, 'not-supported', '_outputFormat must be application/fhir+ndjson.')
  }
}

function sinceFilter(query: URLSearchParams): (resource: FhirResource) => boolean {
  const since = query.get('_since')
  if (since === null) return () => true
  const from = Date.parse(since)
  if (Number.isNaN(from)) throw new FhirProblem(400, 'value', '_since must be an instant.')
  return (resource) => Date.parse(resource.meta.lastUpdated) > from
}

/** The types to export: those asked for, which must all be covered, or else every type that is covered. */
function typesOf(access: FhirAccess, query: URLSearchParams): ResourceType[] {
  const asked = query.getAll('_type').flatMap((value) => value.split(','))
  if (asked.length > 0) {
    return [...new Set(asked)].map((type) => {
      if (!isResourceType(type)) throw new FhirProblem(400, 'not-supported', '_type names a type that is not here.')
      requirePermission(access, type, 's', ['system'])
      return type
    })
  }
  const covered = resourceTypes.filter((type) => permissionFor(access, type, 's', ['system']) !== undefined)
  if (covered.length === 0) throw insufficientScope('system/*.rs', 'An export needs system/ scopes.')
  return covered
}

function membersOf(group: FhirResource): ReadonlySet<string> {
  const members = Array.isArray(group.member) ? group.member : []
  return new Set(members.map((member) => (isObject(member) ? (referenceOf(member.entity) ?? '') : '')))
}

export function createBulkExport(store: ResourceStore, baseUrl: string): BulkExport {
  const jobs = new Map<string, ExportJob>()

  function groupOf(access: FhirAccess, groupId: string): FhirResource {
    const permission = requirePermission(access, 'Group', 'r', ['system'])
    const group = store.read('Group', groupId)
    if (group === undefined || !permission.allows(group)) throw new FhirProblem(404, 'not-found', 'No such Group.')
    return group
  }

  function filesOf(access: FhirAccess, query: URLSearchParams, group: FhirResource | undefined): ExportJob['files'] {
    const isNewer = sinceFilter(query)
    const members = group === undefined ? undefined : membersOf(group)
    const belongs = (resource: FhirResource): boolean => {
      if (members === undefined) return true
      if (resource.resourceType === 'Group') return resource.id === group?.id
      const patient = patientOf(resource)
      return patient === undefined || members.has(`Patient/${patient}`)
    }
    const files: ExportJob['files'] = new Map()
    for (const type of typesOf(access, query)) {
      const permission = requirePermission(access, type, 's', ['system'])
      const resources = store.list(type).filter((each) => permission.allows(each) && belongs(each) && isNewer(each))
      if (resources.length > 0) files.set(type, resources)
    }
    return files
  }

  function status(jobId: string, job: ExportJob): FhirResponse {
    if (job.polls < pollsUntilReady) {
      job.polls += 1
      const progress = `${Math.round((job.polls * 100) / (pollsUntilReady + 1))}%`
      return {
        status: 202,
        headers: { 'x-progress': progress, 'retry-after': '1', 'cache-control': 'no-store' },
        body: '',
      }
    }
    const output = [...job.files].map(([type, resources]) => ({
      type,
      url: `${baseUrl}/bulk/${jobId}/${type}.ndjson`,
      count: resources.length,
    }))
    const { transactionTime, request } = job
    const manifest = { transactionTime, request, requiresAccessToken: true, output, error: [] }
    return { ...fhirJson(200, manifest), headers: { 'content-type': 'application/json', 'cache-control': 'no-store' } }
  }

  function file(access: FhirAccess, job: ExportJob, name: string): FhirResponse {
    const type = name.replace(/\.ndjson$/, '')
    const resources = isResourceType(type) && name !== type ? job.files.get(type) : undefined
    if (resources === undefined || !isResourceType(type) || job.polls < pollsUntilReady) {
      throw new FhirProblem(404, 'not-found', 'No such file.')
    }
    // The client's token of today may cover less than the one that started the job.
    const permission = requirePermission(access, type, 's', ['system'])
    const lines = resources.filter((each) => permission.allows(each)).map((each) => `${JSON.stringify(each)}\n`)
    return {
      status: 200,
      headers: { 'content-type': 'application/fhir+ndjson', 'cache-control': 'no-store' },
      body: lines.join(''),
    }
  }

  return {
    start(access, request, groupId) {
      if (request.method !== 'GET') {
        throw new FhirProblem(405, 'not-supported', 'An export is started with GET.', { allow: 'GET' })
      }
      const group = groupId === undefined ? undefined : groupOf(access, groupId)
      checkHeaders(request)
      checkFormat(request.query)
      const files = filesOf(access, request.query, group)
      const jobId = randomUUID()
      const search = request.query.size === 0 ? '' : `?${request.query}`
      jobs.set(jobId, {
        clientId: access.clientId,
        request: `${baseUrl}${request.path}${search}`,
        transactionTime: new Date().toISOString(),
        polls: 0,
        files,
      })
      const [oldest] = jobs.keys()
      if (jobs.size > mostJobs && oldest !== undefined) jobs.delete(oldest)
      return {
        status: 202,
        headers: { 'content-location': `${baseUrl}/bulk/${jobId}`, 'cache-control': 'no-store' },
        body: '',
      }
    },

    answer(access, request, segments) {
      const [jobId = '', name, ...rest] = segments
      const job = jobs.get(jobId)
      // Another client's job looks exactly like one that does not exist.
      if (job === undefined || job.clientId !== access.clientId || rest.length > 0) {
        throw new FhirProblem(404, 'not-found', 'No such export.')
      }
      if (request.method === 'GET') return name === undefined ? status(jobId, job) : file(access, job, name)
      if (request.method === 'DELETE' && name === undefined) {
        jobs.delete(jobId)
        return { status: 202, headers: { 'cache-control': 'no-store' }, body: '' }
      }
      const allow = name === undefined ? 'GET, DELETE' : 'GET'
      throw new FhirProblem(405, 'not-supported', 'This method is not for an export.', { allow })
    },
  }
}
