import type { FhirAccess, FhirResponse } from './fhir-message.ts'
import { fhirJson } from './fhir-message.ts'
import { FhirProblem } from './operation-outcome.ts'
import type { FhirResource, ResourceType } from './resource.ts'
import type { ResourceStore } from './resource-store.ts'
import { requirePermission } from './scope-check.ts'
import { type ResourceFilter, searchFilter, sortDate } from './search-parameters.ts'

const defaultCount = 50
const largestCount = 200

interface Search {
  filters: ResourceFilter[]
  compare: ((a: FhirResource, b: FhirResource) => number) | undefined
  count: number
  /** The parameters that had an effect; the self link shows them (https://hl7.org/fhir/R4/search.html#conformance). */
  used: URLSearchParams
}

function countOf(value: string): number {
  if (!/^\d{1,6}$/.test(value)) throw new FhirProblem(400, 'value', '_count must be a whole number.')
  return Math.min(Number(value), largestCount)
}

function comparison(type: ResourceType, value: string): Search['compare'] {
  const descending = value.startsWith('-')
  const dateOf = sortDate(type, descending ? value.slice(1) : value)
  if (dateOf === undefined) throw new FhirProblem(400, 'not-supported', `${type} cannot be sorted by this parameter.`)
  return (a, b) => {
    const [x, y] = descending ? [dateOf(b), dateOf(a)] : [dateOf(a), dateOf(b)]
    return x < y ? -1 : x > y ? 1 : 0
  }
}

function parseSearch(type: ResourceType, query: URLSearchParams, strict: boolean): Search {
  const search: Search = { filters: [], compare: undefined, count: defaultCount, used: new URLSearchParams() }
  for (const [name, value] of query) {
    if (name === '_count') search.count = countOf(value)
    else if (name === '_sort') search.compare = comparison(type, value)
    else {
      const filter = searchFilter(type, name, value)
      if (filter === 'invalid') throw new FhirProblem(400, 'value', `The value of ${name} is not valid.`)
      if (filter === 'unknown') {
        // A modifier or a chain must be refused, any other unknown parameter may be ignored unless the client is strict.
        if (strict || /[:.]/.test(name)) {
          throw new FhirProblem(400, 'not-supported', `${name} is not a search parameter of ${type} here.`)
        }
        continue
      }
      search.filters.push(filter)
    }
    search.used.append(name, value)
  }
  return search
}

interface Page {
  type: ResourceType
  query: string
  offset: number
}

// Opaque to clients, not secret: the token's permission is checked anew for each page.
function encodePage(page: Page): string {
  return Buffer.from(JSON.stringify([page.type, page.query, page.offset])).toString('base64url')
}

function decodePage(type: ResourceType, text: string): Page {
  try {
    const page: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    if (Array.isArray(page) && page[0] === type && typeof page[1] === 'string' && Number.isSafeInteger(page[2])) {
      if (page[2] >= 0) return { type, query: page[1], offset: page[2] }
    }
  } catch {
    // Refused below, like any other page link that was not made here.
  }
  throw new FhirProblem(400, 'value', 'This page link is not valid; start the search again.')
}

export interface SearchedServer {
  readonly store: ResourceStore
  readonly baseUrl: string
}

export interface SearchRequest {
  readonly type: ResourceType
  readonly query: URLSearchParams
  /** `Prefer: handling=strict`: an unknown parameter is an error (FHIR R4 §3.1.1.4.1). */
  readonly strict: boolean
}

/** A searchset Bundle of what the token may see. */
export function answerSearch(
  { store, baseUrl }: SearchedServer,
  access: FhirAccess,
  { type, query, strict }: SearchRequest,
): FhirResponse {
  const permission = requirePermission(access, type, 's')
  const pageText = query.get('_page')
  const page = pageText === null ? undefined : decodePage(type, pageText)
  const search = parseSearch(type, page === undefined ? query : new URLSearchParams(page.query), strict)
  const found = store.list(type).filter((each) => permission.allows(each) && search.filters.every((f) => f(each)))
  if (search.compare !== undefined) found.sort(search.compare)

  const offset = page?.offset ?? 0
  const shown = found.slice(offset, offset + search.count)
  const url = (parameters: URLSearchParams): string =>
    parameters.size === 0 ? `${baseUrl}/${type}` : `${baseUrl}/${type}?${parameters}`
  const pageUrl = (at: number): string =>
    url(new URLSearchParams({ _page: encodePage({ type, query: search.used.toString(), offset: at }) }))
  const link = [{ relation: 'self', url: page === undefined ? url(search.used) : pageUrl(offset) }]
  // _count=0 requests only the total, so there is no next page.
  if (search.count > 0 && offset + search.count < found.length) {
    link.push({ relation: 'next', url: pageUrl(offset + search.count) })
  }
  return fhirJson(200, {
    resourceType: 'Bundle',
    type: 'searchset',
    total: found.length,
    link,
    // FHIR has no empty arrays.
    ...(shown.length === 0 ? {} : { entry: shown.map((resource) => entry(baseUrl, resource)) }),
  })
}

function entry(baseUrl: string, resource: FhirResource): object {
  return { fullUrl: `${baseUrl}/${resource.resourceType}/${resource.id}`, resource, search: { mode: 'match' } }
}
