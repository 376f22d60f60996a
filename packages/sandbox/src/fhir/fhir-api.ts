import { type BulkExport, createBulkExport } from './bulk-export.ts'
import { capabilityStatement, type SecurityExtension } from './capability-statement.ts'
import { isCreatable, resourceCreator } from './create-resource.ts'
import { type FhirAccess, type FhirRequest, type FhirResponse, fhirJson, headerOf } from './fhir-message.ts'
import { FhirProblem, insufficientScope, invalidToken } from './operation-outcome.ts'
import { isResourceType, type ResourceType } from './resource.ts'
import { createResourceStore, type ResourceStore } from './resource-store.ts'
import { levelOf, requirePermission } from './scope-check.ts'
import { answerSearch } from './search.ts'

export type { FhirAccess, FhirRequest, FhirResponse } from './fhir-message.ts'

export interface FhirApiOptions {
  /** What every URL in an answer starts with; a slash at its end is dropped. */
  baseUrl: string
  /** What a bearer token stands for; `undefined` for one that is unknown, expired or revoked. */
  authenticate: (bearerToken: string) => FhirAccess | undefined | Promise<FhirAccess | undefined>
  /** The endpoints that `/metadata` publishes as `oauth-uris`. */
  securityExtension: SecurityExtension
}

/** RFC 6750 §2.1: only the header; a token in the query or the body is not one. */
function bearerTokenOf(request: FhirRequest): string | undefined {
  return /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(headerOf(request, 'authorization') ?? '')?.[1]
}

function segmentsOf(path: string): string[] {
  try {
    return path
      .split('/')
      .filter((segment) => segment !== '')
      .map(decodeURIComponent)
  } catch {
    throw new FhirProblem(400, 'invalid', 'The path is not valid.')
  }
}

function methodNotAllowed(allow: string): FhirProblem {
  return new FhirProblem(405, 'not-supported', 'This method is not supported here.', { allow })
}

function answerRead(store: ResourceStore, access: FhirAccess, type: ResourceType, id: string): FhirResponse {
  const permission = requirePermission(access, type, 'r')
  const resource = store.read(type, id)
  // Another patient's resource looks exactly like one that is not there.
  if (resource === undefined || !permission.inCompartment(resource)) {
    throw new FhirProblem(404, 'not-found', `No such ${type}.`)
  }
  if (!permission.allows(resource)) {
    throw insufficientScope(
      `${levelOf(access)}/${type}.r`,
      `The access token covers only some of ${type}, and not this one.`,
    )
  }
  return fhirJson(200, resource)
}

/** A small FHIR R4 API over synthetic patients that checks tokens and scopes. Its data exists only in memory. */
export function createFhirApi(options: FhirApiOptions): (request: FhirRequest) => Promise<FhirResponse> {
  const baseUrl = options.baseUrl.replace(/\/+$/, '')
  const store = createResourceStore()
  const bulk: BulkExport = createBulkExport(store, baseUrl)
  const create = resourceCreator(store, baseUrl)

  function search(access: FhirAccess, request: FhirRequest, type: ResourceType, query: URLSearchParams): FhirResponse {
    const strict = /\bhandling=strict\b/.test(headerOf(request, 'prefer') ?? '')
    return answerSearch({ store, baseUrl }, access, { type, query, strict })
  }

  function answerType(access: FhirAccess, request: FhirRequest, type: ResourceType, rest: string[]): FhirResponse {
    const [second, ...more] = rest
    if (more.length > 0) throw new FhirProblem(404, 'not-found', 'Nothing is at this path.')
    if (second === undefined) {
      if (request.method === 'GET') return search(access, request, type, request.query)
      if (request.method === 'POST' && isCreatable(type)) return create(access, request, type)
      throw methodNotAllowed(isCreatable(type) ? 'GET, POST' : 'GET')
    }
    if (second === '_search') {
      if (request.method !== 'POST') throw methodNotAllowed('POST')
      return search(
        access,
        request,
        type,
        new URLSearchParams([...request.query, ...new URLSearchParams(request.body)]),
      )
    }
    if (request.method !== 'GET') throw methodNotAllowed('GET')
    return answerRead(store, access, type, second)
  }

  async function answer(request: FhirRequest): Promise<FhirResponse> {
    const segments = segmentsOf(request.path)
    const [first, second, third] = segments
    if (first === 'metadata' && segments.length === 1) {
      if (request.method !== 'GET') throw methodNotAllowed('GET')
      return fhirJson(200, capabilityStatement(baseUrl, options.securityExtension))
    }
    const token = bearerTokenOf(request)
    const access = token === undefined ? undefined : await options.authenticate(token)
    if (access === undefined) throw invalidToken()

    if (first === 'bulk') return bulk.answer(access, request, segments.slice(1))
    if (first === 'Patient' && second === '$export' && segments.length === 2) {
      return bulk.start(access, request, undefined)
    }
    if (first === 'Group' && third === '$export' && segments.length === 3) return bulk.start(access, request, second)
    if (!isResourceType(first)) throw new FhirProblem(404, 'not-supported', 'This resource type is not here.')
    return answerType(access, request, first, segments.slice(1))
  }

  return async (request) => {
    try {
      return await answer(request)
    } catch (error) {
      if (error instanceof FhirProblem) return error.toResponse()
      throw error
    }
  }
}
