/** A scope for FHIR resources, such as `patient/Observation.rs` (SMART App Launch 2.2 "FHIR Resource Scope Syntax"). */
export interface ResourceScope {
  readonly kind: 'resource'
  readonly level: 'patient' | 'user' | 'system'
  /** A FHIR resource type, or `*` for every type. */
  readonly resourceType: string
  /**
   * Letters of `cruds`, in this order: c = create; r = read, vread and history of an instance; u = update and patch;
   * d = delete; s = search and history of a type or of the system. A v1 suffix is translated.
   */
  readonly interactions: string
  /** Search parameters that narrow the scope, URL-decoded. All of them must hold. Empty if it is not narrowed. */
  readonly query: readonly (readonly [name: string, value: string])[]
  /** 1 for the suffixes `.read`, `.write` and `.*`, else 2. */
  readonly version: 1 | 2
  /** The scope as written. */
  readonly text: string
}

/** A scope that is compared as text: launch context, identity, refresh, an extension, or an unknown scope. */
export interface OtherScope {
  readonly kind: 'launch' | 'identity' | 'refresh' | 'extension' | 'unknown'
  /** The scope as written. */
  readonly text: string
}

export type Scope = ResourceScope | OtherScope

/** The interactions of a v2 scope, in their order. */
export const INTERACTIONS = 'cruds'

// SMART App Launch 2.2 "Scopes for requesting FHIR Resources": what a v1 suffix means in v2.
const V1_INTERACTIONS: ReadonlyMap<string, string> = new Map([
  ['read', 'rs'],
  ['write', 'cud'],
  ['*', INTERACTIONS],
])

// The letters must be in this order, so that `.read` is not read as r and d. Only v2 has a query part.
const RESOURCE_SCOPE =
  /^(patient|user|system)\/(\*|[A-Z][A-Za-z0-9_]*)\.(?:(read|write|\*)|((?=[cruds])c?r?u?d?s?)(?:\?(\S+))?)$/
const LAUNCH_SCOPE = /^launch(?:\/[a-z][a-z0-9]*(?:\?role=[^\s&]+)?)?$/
const IDENTITY_SCOPE = /^(?:openid|fhirUser|profile)$/
const REFRESH_SCOPE = /^(?:online_access|offline_access)$/
const EXTENSION_SCOPE = /^(?:__|urn:|[A-Za-z][A-Za-z0-9+.-]*:\/\/)\S+$/

// SMART App Launch 2.2 "URI representation of scopes"; Oracle Health writes /FHIR/.
const URI_PREFIX = /^http:\/\/smarthealthit\.org\/fhir\/scopes\//i

/** Reads one scope. Never throws: a scope that is not valid in SMART has the kind `unknown`. */
export function parseScope(text: string): Scope {
  return classify(shortForm(text), text)
}

/** The scope without the SMART URI prefix. If the rest is not a SMART scope, the URI is an extension and stays as it is. */
export function shortForm(text: string): string {
  if (!URI_PREFIX.test(text)) return text
  const rest = text.replace(URI_PREFIX, '')
  const { kind } = classify(rest, rest)
  return kind === 'unknown' || kind === 'extension' ? text : rest
}

export function classify(name: string, text: string): Scope {
  return resourceScope(name, text) ?? Object.freeze({ kind: otherKind(name), text })
}

function otherKind(name: string): OtherScope['kind'] {
  if (LAUNCH_SCOPE.test(name)) return 'launch'
  if (IDENTITY_SCOPE.test(name)) return 'identity'
  if (REFRESH_SCOPE.test(name)) return 'refresh'
  return EXTENSION_SCOPE.test(name) ? 'extension' : 'unknown'
}

function resourceScope(name: string, text: string): ResourceScope | undefined {
  const [, level, resourceType, v1Suffix, v2Suffix, queryText] = RESOURCE_SCOPE.exec(name) ?? []
  const interactions = v1Suffix === undefined ? v2Suffix : V1_INTERACTIONS.get(v1Suffix)
  const query = queryText === undefined ? [] : parseQuery(queryText)
  if (resourceType === undefined || interactions === undefined || query === undefined) return undefined
  return Object.freeze({
    kind: 'resource',
    level: level as ResourceScope['level'], // the pattern names the three
    resourceType,
    interactions,
    query: Object.freeze(query),
    version: v1Suffix === undefined ? 2 : 1,
    text,
  })
}

/** The parameters; undefined if an item is not `param=value`. */
function parseQuery(queryText: string): (readonly [string, string])[] | undefined {
  const parameters: (readonly [string, string])[] = []
  for (const item of queryText.split('&')) {
    const equals = item.indexOf('=')
    if (equals < 1 || equals === item.length - 1) return undefined
    parameters.push(Object.freeze([decode(item.slice(0, equals)), decode(item.slice(equals + 1))] as const))
  }
  return parameters
}

// A plus stays a plus: an unescaped one is probably part of a time zone, not a space.
function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
