import type { FhirContextItem, LaunchContext } from '../fhir/fhir-grant.ts'

export interface LaunchContextOfResponse {
  readonly patient: string | undefined
  readonly encounter: string | undefined
  readonly launch: LaunchContext
}

/**
 * The launch context in a token response's members (SMART App Launch 2.2 "Launch context arrives with your access
 * token"). Mistyped members are dropped, unknown ones kept. Nothing is guessed: a missing patient stays missing.
 */
export function readLaunchContext(members: Readonly<Record<string, unknown>>): LaunchContextOfResponse {
  const { patient, encounter, need_patient_banner, intent, smart_style_url, tenant, fhirContext, ...unknown } = members
  const launch = {
    ...unknown,
    ...(typeof need_patient_banner === 'boolean' && { need_patient_banner }),
    ...(typeof intent === 'string' && { intent }),
    ...(typeof smart_style_url === 'string' && { smart_style_url }),
    ...(typeof tenant === 'string' && { tenant }),
    ...(Array.isArray(fhirContext) && { fhirContext: Object.freeze(fhirContext.flatMap(readItem)) }),
  }
  return {
    patient: readId(patient, 'Patient'),
    encounter: readId(encounter, 'Encounter'),
    launch: Object.freeze(launch),
  }
}

/** An id, where some servers send a number or a reference. A number beyond exactness is rounded: another patient's id. */
function readId(value: unknown, type: string): string | undefined {
  if (Number.isSafeInteger(value)) return String(value)
  if (typeof value !== 'string') return undefined
  if (!value.includes('/')) return value || undefined
  const segments = value.split('/')
  const typeAt = segments.lastIndexOf(type)
  return (typeAt >= 0 && segments[typeAt + 1]) || undefined
}

function readItem(item: unknown): FhirContextItem[] {
  // Before 2.2, servers sent plain references.
  if (typeof item === 'string') return [Object.freeze({ reference: item, role: 'launch' })]
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return []
  const { reference, canonical, identifier, role } = item as Record<string, unknown>
  if (typeof reference !== 'string' && typeof canonical !== 'string' && identifier === undefined) return []
  return [Object.freeze({ ...item, role: typeof role === 'string' && role !== '' ? role : 'launch' })]
}
