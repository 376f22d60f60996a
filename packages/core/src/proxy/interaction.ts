import { isFhirId } from '../fhir/fhir-id.ts'

/** What a request does, in the words of FHIR R4 §3.1.0 "RESTful API". `page` is a further page of a search, by `_getpages`. */
export type Interaction =
  | 'read'
  | 'vread'
  | 'search'
  | 'history'
  | 'create'
  | 'update'
  | 'patch'
  | 'delete'
  | 'operation'
  | 'batch'
  | 'page'
  | 'capabilities'

/** A request below the FHIR base, taken apart. */
export interface FhirInteraction {
  readonly method: string
  readonly interaction: Interaction
  /** The resource type; undefined for requests to the base itself. */
  readonly type?: string | undefined
  readonly id?: string | undefined
  /** With its dollar sign: `$everything`. */
  readonly operation?: string | undefined
}

const TYPE = /^[A-Z][A-Za-z]{1,63}$/
const OPERATION = /^\$[a-z][A-Za-z0-9-]{0,63}$/
/** No percent sign, backslash, semicolon or empty segment: nothing that a server could read in another way. */
const PLAIN_PATH = /^(?:[A-Za-z0-9$_.-]+(?:\/[A-Za-z0-9$_.-]+)*)?$/

/**
 * Reads method, path and query of a request below the FHIR base. Undefined for whatever is no interaction that the proxy knows,
 * such as a conditional update or delete, or a path that a server could read in another way.
 *
 * @param path - below the base, without a leading slash: `Patient/123`
 */
export function readInteraction(method: string, path: string, query: URLSearchParams): FhirInteraction | undefined {
  if (!PLAIN_PATH.test(path)) return undefined
  const segments = path === '' ? [] : path.split('/')
  const verb = method === 'HEAD' ? 'GET' : method
  const [first, second, third, fourth] = segments
  if (first === undefined) {
    if (verb === 'POST') return { method, interaction: 'batch' }
    return verb === 'GET' && isPage(query) ? { method, interaction: 'page' } : undefined
  }
  if (segments.length === 1 && first === 'metadata') {
    return verb === 'GET' ? { method, interaction: 'capabilities' } : undefined
  }
  if (OPERATION.test(first)) return operationOf(method, segments, {})
  if (!TYPE.test(first)) return undefined
  const type = first
  if (second === undefined) return ofType(method, verb, type)
  if (second === '_search') {
    return verb === 'POST' && segments.length === 2 ? { method, interaction: 'search', type } : undefined
  }
  if (second === '_history') {
    return verb === 'GET' && segments.length === 2 ? { method, interaction: 'history', type } : undefined
  }
  if (OPERATION.test(second)) return operationOf(method, segments.slice(1), { type })
  if (!isFhirId(second)) return undefined
  const resource = { type, id: second }
  if (third === undefined) return ofResource(method, verb, resource)
  if (OPERATION.test(third)) return operationOf(method, segments.slice(2), resource)
  if (verb !== 'GET' || third !== '_history' || segments.length > 4) return undefined
  if (fourth === undefined) return { method, interaction: 'history', ...resource }
  return isFhirId(fourth) ? { method, interaction: 'vread', ...resource } : undefined
}

/** What a link to a further page has. With others, a server that has no such pages could search all its resources. */
const PAGE_PARAMETERS =
  /^_(?:getpages|getpagesoffset|pageId|bundletype|count|offset|format|pretty|summary|elements|include|revinclude)$/

function isPage(query: URLSearchParams): boolean {
  return query.has('_getpages') && [...query.keys()].every((name) => PAGE_PARAMETERS.test(name.split(':', 1)[0] ?? ''))
}

function ofType(method: string, verb: string, type: string): FhirInteraction | undefined {
  if (verb === 'GET') return { method, interaction: 'search', type }
  // PUT, PATCH and DELETE of a type are conditional: which resource they change is up to the server.
  return verb === 'POST' ? { method, interaction: 'create', type } : undefined
}

const BY_METHOD: Readonly<Record<string, Interaction>> = {
  GET: 'read',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

function ofResource(
  method: string,
  verb: string,
  resource: { readonly type: string; readonly id: string },
): FhirInteraction | undefined {
  const interaction = Object.hasOwn(BY_METHOD, verb) ? BY_METHOD[verb] : undefined
  return interaction && { method, interaction, ...resource }
}

function operationOf(
  method: string,
  [operation = '', ...more]: readonly string[],
  place: { readonly type?: string; readonly id?: string },
): FhirInteraction | undefined {
  if (more.length > 0 || !['GET', 'HEAD', 'POST'].includes(method)) return undefined
  return { method, interaction: 'operation', operation, ...place }
}
