/** A scope for FHIR resources (SMART App Launch 2.2 "Scopes for requesting FHIR Resources"). */
interface ResourceScope {
  level: string
  resource: string
  /** In the order of `cruds`. */
  permissions: string
  /** Search parameters, `name=value`. */
  query: string[]
  v1: boolean
}

const resourceScopePattern = /^(patient|user|system)\/(\*|[A-Z][A-Za-z]*)\.(read|write|\*|[cruds]+)(?:\?(.+))?$/
const v1Permissions: Readonly<Record<string, string>> = { read: 'rs', write: 'cud', '*': 'cruds' }
const contextScopePattern = /^(openid|fhirUser|profile|offline_access|online_access|launch|launch\/[a-z]+(\?role=.+)?)$/

/** The parts of a scope for FHIR resources; undefined for any other. */
export function parseResourceScope(scope: string): ResourceScope | undefined {
  const [, level, resource, suffix, query] = resourceScopePattern.exec(scope) ?? []
  if (level === undefined || resource === undefined || suffix === undefined) return undefined
  const v1 = v1Permissions[suffix]
  // In order and without repetition: the letters name a subset of `cruds`.
  if (v1 === undefined && !/^c?r?u?d?s?$/.test(suffix)) return undefined
  return { level, resource, permissions: v1 ?? suffix, query: query?.split('&') ?? [], v1: v1 !== undefined }
}

export const isResourceScope = (scope: string): boolean => parseResourceScope(scope) !== undefined
export const isSystemScope = (scope: string): boolean => parseResourceScope(scope)?.level === 'system'

/** Whether the sandbox can grant this scope at all. */
const isGrantableScope = (scope: string): boolean => contextScopePattern.test(scope) || isResourceScope(scope)

const includes = (outer: string, inner: string): boolean => [...inner].every((letter) => outer.includes(letter))

/** What two scopes have in common, or undefined. */
function intersection(asked: ResourceScope, allowed: ResourceScope): ResourceScope | undefined {
  if (asked.level !== allowed.level) return undefined
  const [a, b] = [asked.resource, allowed.resource]
  if (a !== b && a !== '*' && b !== '*') return undefined
  const permissions = [...asked.permissions].filter((letter) => allowed.permissions.includes(letter)).join('')
  if (permissions === '') return undefined
  const query = [...new Set([...asked.query, ...allowed.query])]
  return { level: asked.level, resource: a === '*' ? b : a, permissions, query, v1: asked.v1 }
}

const covers = (outer: ResourceScope, inner: ResourceScope): boolean =>
  outer.level === inner.level &&
  (outer.resource === '*' || outer.resource === inner.resource) &&
  includes(outer.permissions, inner.permissions) &&
  outer.query.every((condition) => inner.query.includes(condition))

function format({ level, resource, permissions, query, v1 }: ResourceScope): string {
  const suffix = (v1 && Object.keys(v1Permissions).find((name) => v1Permissions[name] === permissions)) || permissions
  return `${level}/${resource}.${suffix}${query.length > 0 ? `?${query.join('&')}` : ''}`
}

/** The part of one asked scope that the allowed scopes permit: itself, or narrower ones. */
function narrowScope(scope: string, allowed: readonly string[]): string[] {
  const asked = parseResourceScope(scope)
  if (!asked) return allowed.includes(scope) ? [scope] : []
  const limits = allowed.flatMap((limit) => parseResourceScope(limit) ?? [])
  if (limits.some((limit) => covers(limit, asked))) return [scope]
  return limits.flatMap((limit) => intersection(asked, limit) ?? []).map(format)
}

/**
 * What is left of the asked scopes, in their order, when only `allowed` may be granted.
 * What the sandbox does not know is left out: a server may grant less than asked (RFC 6749 §3.3).
 */
export function grantableScopes(asked: readonly string[], allowed: readonly string[] | undefined): string[] {
  const known = asked.filter(isGrantableScope)
  return [...new Set(allowed ? known.flatMap((scope) => narrowScope(scope, allowed)) : known)]
}
