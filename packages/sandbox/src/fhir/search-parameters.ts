import { type Coding, type FhirResource, isFhirId, isObject, type ResourceType, referenceOf } from './resource.ts'

export type ResourceFilter = (resource: FhirResource) => boolean

type SearchParameter =
  | { kind: 'id' }
  | { kind: 'token'; element: string }
  | { kind: 'reference'; element: string; target: ResourceType }
  | { kind: 'date'; dateOf: (resource: FhirResource) => string | undefined }

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const token = (element: string): SearchParameter => ({ kind: 'token', element })
const reference = (element: string, target: ResourceType): SearchParameter => ({ kind: 'reference', element, target })
const date = (element: string): SearchParameter => ({ kind: 'date', dateOf: (resource) => text(resource[element]) })

const id: SearchParameter = { kind: 'id' }
const ofPatient = { _id: id, patient: reference('subject', 'Patient'), subject: reference('subject', 'Patient') }
const atEncounter = { encounter: reference('encounter', 'Encounter') }

const parameters: Record<ResourceType, Record<string, SearchParameter>> = {
  Patient: { _id: id },
  Practitioner: { _id: id },
  Group: { _id: id, code: token('code') },
  Encounter: {
    ...ofPatient,
    date: { kind: 'date', dateOf: ({ period }) => (isObject(period) ? text(period.start) : undefined) },
  },
  Condition: {
    ...ofPatient,
    ...atEncounter,
    category: token('category'),
    code: token('code'),
    'recorded-date': date('recordedDate'),
  },
  MedicationRequest: {
    ...ofPatient,
    ...atEncounter,
    category: token('category'),
    code: token('medicationCodeableConcept'),
    authoredon: date('authoredOn'),
  },
  Observation: {
    ...ofPatient,
    ...atEncounter,
    category: token('category'),
    code: token('code'),
    date: date('effectiveDateTime'),
  },
  QuestionnaireResponse: {
    ...ofPatient,
    ...atEncounter,
    authored: date('authored'),
  },
}

function parameterOf(type: ResourceType, name: string): SearchParameter | undefined {
  return Object.hasOwn(parameters[type], name) ? parameters[type][name] : undefined
}

/** For the CapabilityStatement. */
export function searchParametersOf(type: ResourceType): { name: string; type: string }[] {
  return Object.entries(parameters[type]).map(([name, { kind }]) => ({ name, type: kind === 'id' ? 'token' : kind }))
}

/** How to read the date that `_sort` may use, or `undefined` when the type has no such search parameter. */
export function sortDate(type: ResourceType, name: string): ((resource: FhirResource) => string) | undefined {
  const parameter = parameterOf(type, name)
  if (parameter?.kind !== 'date') return undefined
  return (resource) => parameter.dateOf(resource) ?? ''
}

/** A CodeableConcept or a list of them. Created resources may contain anything here, so each member is checked. */
function codingsOf(element: unknown): Coding[] {
  const concepts: unknown[] = Array.isArray(element) ? element : [element]
  return concepts.flatMap((concept) =>
    isObject(concept) && Array.isArray(concept.coding) ? concept.coding.filter(isObject) : [],
  )
}

/** https://hl7.org/fhir/R4/search.html#token : `code`, `system|code`, `|code` (no system), `system|`. */
function tokenMatches(coding: Coding, wanted: string): boolean {
  const bar = wanted.indexOf('|')
  if (bar < 0) return coding.code === wanted
  const system = wanted.slice(0, bar)
  const code = wanted.slice(bar + 1)
  if ((coding.system ?? '') !== system) return false
  return code === '' || coding.code === code
}

/** https://hl7.org/fhir/R4/search.html#date , for moments in UTC: both sides are cut to the precision asked for. */
function dateFilter(wanted: string): ((found: string) => boolean) | undefined {
  const match = /^(eq|ne|ge|le|gt|lt)?(\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d:\d\dZ)?)?)?)$/.exec(wanted)
  const moment = match?.[2]
  if (moment === undefined) return undefined
  const cut = (found: string): string => found.slice(0, moment.length)
  switch (match?.[1]) {
    case 'ne':
      return (found) => cut(found) !== moment
    case 'ge':
      return (found) => cut(found) >= moment
    case 'le':
      return (found) => cut(found) <= moment
    case 'gt':
      return (found) => cut(found) > moment
    case 'lt':
      return (found) => cut(found) < moment
    default:
      return (found) => cut(found) === moment
  }
}

/** `x`, `Type/x` or an absolute URL that ends so; `undefined` when it is none of them or of another type. */
function referencedId(value: string, target: ResourceType): string | undefined {
  const segments = value.split('/')
  const last = segments.at(-1) ?? ''
  if (!isFhirId(last)) return undefined
  if (segments.length === 1) return last
  return segments.at(-2) === target ? last : undefined
}

/**
 * What `name=value` keeps of a type; a comma means "or". `unknown`: not a search parameter of this type;
 * `invalid`: a value it cannot have. Never throws.
 */
export function searchFilter(type: ResourceType, name: string, value: string): ResourceFilter | 'unknown' | 'invalid' {
  const parameter = parameterOf(type, name)
  if (parameter === undefined) return 'unknown'
  const values = value.split(',')
  if (values.includes('')) return 'invalid'
  switch (parameter.kind) {
    case 'id':
      return (resource) => values.includes(resource.id)
    case 'token':
      return (resource) => {
        const codings = codingsOf(resource[parameter.element])
        return values.some((wanted) => codings.some((coding) => tokenMatches(coding, wanted)))
      }
    case 'reference': {
      const ids = values.map((each) => referencedId(each, parameter.target))
      if (ids.includes(undefined)) return 'invalid'
      const wanted = new Set(ids.map((each) => `${parameter.target}/${each}`))
      return (resource) => wanted.has(referenceOf(resource[parameter.element]) ?? '')
    }
    case 'date': {
      const filters = values.map(dateFilter)
      if (filters.includes(undefined)) return 'invalid'
      return (resource) => {
        const found = parameter.dateOf(resource)
        return found !== undefined && filters.some((filter) => filter?.(found))
      }
    }
  }
}
