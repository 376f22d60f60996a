import type { FhirAccess } from './fhir-message.ts'
import { insufficientScope } from './operation-outcome.ts'
import { type FhirResource, patientOf, type ResourceType } from './resource.ts'
import { type ResourceFilter, searchFilter } from './search-parameters.ts'

export type ScopeLevel = 'patient' | 'user' | 'system'
/** create, read, update, delete, search. */
export type Interaction = 'c' | 'r' | 'u' | 'd' | 's'

export interface ResourceScope {
  level: ScopeLevel
  /** A resource type or `*`. */
  type: string
  interactions: ReadonlySet<string>
  /** `?name=value` pairs, all of which must hold. */
  restrictions: readonly (readonly [name: string, value: string])[]
}

// SMART App Launch 2.2 "Scopes for requesting clinical data": v1 words and what they mean in v2.
const v1Suffixes: Readonly<Record<string, string>> = { read: 'rs', write: 'cud', '*': 'cruds' }
const uriPrefix = 'http://smarthealthit.org/fhir/scopes/'
const grammar = /^(patient|user|system)\/([A-Z][A-Za-z]*|\*)\.([a-z]+|\*)(?:\?(.+))?$/

/** One clinical scope, v1 or v2; `undefined` for any other text. Never throws. */
export function parseResourceScope(text: string): ResourceScope | undefined {
  const match = grammar.exec(text.startsWith(uriPrefix) ? text.slice(uriPrefix.length) : text)
  if (match === null) return undefined
  const [, level, type, suffix, query] = match
  if (level === undefined || type === undefined || suffix === undefined) return undefined
  const v1 = Object.hasOwn(v1Suffixes, suffix) ? v1Suffixes[suffix] : undefined
  if (v1 !== undefined && query !== undefined) return undefined
  // v2: a non-empty part of "cruds" in this order.
  if (v1 === undefined && !/^c?r?u?d?s?$/.test(suffix)) return undefined
  const restrictions = query === undefined ? [] : [...new URLSearchParams(query)]
  if (query !== undefined && restrictions.length === 0) return undefined
  if (restrictions.some(([name, value]) => name === '' || value === '')) return undefined
  return { level: level as ScopeLevel, type, interactions: new Set(v1 ?? suffix), restrictions }
}

/** Types outside every compartment that an app in a patient's context may still see: who treats the patient. */
const sharedTypes: ReadonlySet<ResourceType> = new Set(['Practitioner'])

function compartmentFilter(scope: ResourceScope, access: FhirAccess, type: ResourceType): ResourceFilter | undefined {
  if (scope.level !== 'patient' || sharedTypes.has(type)) return () => true
  const { patient } = access
  return patient === undefined ? undefined : (resource) => patientOf(resource) === patient
}

/** What one scope lets through; `undefined` when it lets nothing through. */
function grantOf(scope: ResourceScope, access: FhirAccess, type: ResourceType): ResourceFilter | undefined {
  const filters: ResourceFilter[] = []
  for (const [name, value] of scope.restrictions) {
    const filter = searchFilter(type, name, value)
    // A restriction that cannot be enforced must not be dropped: that would widen the scope.
    if (typeof filter === 'string') return undefined
    filters.push(filter)
  }
  const compartment = compartmentFilter(scope, access, type)
  if (compartment === undefined) return undefined
  return (resource) => compartment(resource) && filters.every((filter) => filter(resource))
}

export interface Permission {
  /** Some scope covers this resource, with its restrictions. */
  allows(resource: FhirResource): boolean
  /** The resource is in a compartment that some scope covers, whatever the restrictions say. */
  inCompartment(resource: FhirResource): boolean
}

/** What a token may do to a type, or `undefined` when nothing. `levels`: all by default. */
export function permissionFor(
  access: FhirAccess,
  type: ResourceType,
  interaction: Interaction,
  levels: readonly ScopeLevel[] = ['patient', 'user', 'system'],
): Permission | undefined {
  const scopes = access.scopes
    .map(parseResourceScope)
    .filter((scope) => scope !== undefined)
    .filter((scope) => levels.includes(scope.level) && scope.interactions.has(interaction))
    .filter((scope) => scope.type === '*' || scope.type === type)
  const grants = scopes.map((scope) => grantOf(scope, access, type)).filter((grant) => grant !== undefined)
  if (grants.length === 0) return undefined
  const compartments = scopes.map((scope) => compartmentFilter(scope, access, type))
  return {
    allows: (resource) => grants.some((grant) => grant(resource)),
    inCompartment: (resource) => compartments.some((compartment) => compartment?.(resource)),
  }
}

/** As `permissionFor`; a token that may do nothing ends in 403 `insufficient_scope`. */
export function requirePermission(
  access: FhirAccess,
  type: ResourceType,
  interaction: Interaction,
  levels?: readonly ScopeLevel[],
): Permission {
  const permission = permissionFor(access, type, interaction, levels)
  if (permission !== undefined) return permission
  const needed = `${levels?.[0] ?? levelOf(access)}/${type}.${interaction}`
  if (needed.startsWith('patient/') && access.patient === undefined) {
    const why = 'The access token has patient/ scopes and no patient in context; launch/patient would bring one.'
    throw insufficientScope(`launch/patient ${needed}`, why)
  }
  throw insufficientScope(needed, `The access token does not cover this request; ${needed} would.`)
}

/** The level of the scopes that this client asks for, so that it is told one that it can use. */
export function levelOf({ scopes, patient }: FhirAccess): ScopeLevel {
  const levels = scopes.flatMap((scope) => parseResourceScope(scope)?.level ?? [])
  const [first = patient === undefined ? 'user' : 'patient'] = levels
  return levels.includes('system') ? 'system' : first
}
