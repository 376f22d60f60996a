export const resourceTypes = [
  'Patient',
  'Encounter',
  'Condition',
  'MedicationRequest',
  'Observation',
  'QuestionnaireResponse',
  'Practitioner',
  'Group',
] as const

export type ResourceType = (typeof resourceTypes)[number]

export interface FhirResource {
  resourceType: ResourceType
  id: string
  meta: { lastUpdated: string }
  [element: string]: unknown
}

export interface Coding {
  system?: string
  code?: string
  display?: string
}

export function isResourceType(name: string | undefined): name is ResourceType {
  return resourceTypes.some((type) => type === name)
}

/** https://hl7.org/fhir/R4/datatypes.html#id */
export function isFhirId(text: string): boolean {
  return /^[A-Za-z0-9\-.]{1,64}$/.test(text)
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The `reference` of a Reference element, as it is written; created resources may hold anything. */
export function referenceOf(element: unknown): string | undefined {
  return isObject(element) && typeof element.reference === 'string' ? element.reference : undefined
}

/** The patient whose compartment a resource is in; none for a Practitioner or a Group. */
export function patientOf(resource: FhirResource): string | undefined {
  if (resource.resourceType === 'Patient') return resource.id
  const reference = referenceOf(resource.subject)
  return reference?.startsWith('Patient/') ? reference.slice('Patient/'.length) : undefined
}
