import { FhirAuthError } from '../errors.ts'
import type { FhirContextItem, LaunchContext } from '../fhir/fhir-grant.ts'
import { isFhirId } from '../fhir/fhir-id.ts'
import { readBoolean } from '../shared/read-boolean.ts'
import { isSecretMember } from './secret-members.ts'

export interface LaunchContextOfResponse {
  readonly patient: string | undefined
  readonly encounter: string | undefined
  readonly launch: LaunchContext
  /** Names of members that cannot be read. Handlers do not get them. */
  readonly unread: readonly string[]
}

/**
 * The launch context in a token response's members (SMART App Launch 2.2 "Launch context arrives with your access
 * token"). Booleans and numbers may also be sent as text. Secrets are dropped, unknown members are kept. Nothing is guessed:
 * a missing patient stays missing, and members that cannot be read are named in `unread`.
 *
 * @throws `invalid_token_response` for a patient or an encounter that is not a FHIR id, because apps put it into URLs
 */
export function readLaunchContext(members: Readonly<Record<string, unknown>>): LaunchContextOfResponse {
  const { patient, encounter, need_patient_banner, intent, smart_style_url, tenant, fhirContext, ...unknown } = members
  const items = Array.isArray(fhirContext) ? fhirContext.flatMap(readItem) : undefined
  const read = {
    need_patient_banner: readBoolean(need_patient_banner),
    intent: readWord(intent),
    smart_style_url: typeof smart_style_url === 'string' ? smart_style_url : undefined,
    tenant: readWord(tenant),
    fhirContext: items && Object.freeze(items),
  }
  const ids = { patient: readId(patient, 'Patient'), encounter: readId(encounter, 'Encounter') }
  const isLost = ([name, value]: [string, unknown]) => {
    const sent = members[name]
    if (name === 'fhirContext' && Array.isArray(sent)) return items?.length !== sent.length
    return value === undefined && sent !== undefined && sent !== null && !(sent === '' && name in ids)
  }
  const known = Object.entries(read).filter(([, value]) => value !== undefined)
  return {
    ...ids,
    launch: Object.freeze({
      // fromEntries defines own properties, so a member named __proto__ stays a member.
      ...Object.fromEntries(Object.entries(unknown).filter(([name]) => !isSecretMember(name))),
      ...Object.fromEntries(known),
    }),
    unread: Object.freeze([...Object.entries(ids), ...Object.entries(read)].filter(isLost).map(([name]) => name)),
  }
}

/** A string. Some servers send a number instead. */
function readWord(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' ? value : undefined
}

/** An id. Some servers send a number or a reference. An unsafe integer is refused: rounded, it may be another patient's id. */
function readId(value: unknown, type: string): string | undefined {
  if (Number.isSafeInteger(value)) return String(value)
  if (typeof value !== 'string') return undefined
  const id = value.includes('/') ? idOfReference(value, type) : value
  if (id === undefined || id === '' || isFhirId(id)) return id || undefined
  const name = type.toLowerCase()
  // The message does not show the value, which may be anything.
  throw new FhirAuthError(
    'invalid_token_response',
    `The token response has a ${name} that is not a FHIR id (1 to 64 letters, digits, "-" and ".").`,
  )
}

function idOfReference(reference: string, type: string): string | undefined {
  const segments = reference.split('/')
  const typeAt = segments.lastIndexOf(type)
  return typeAt < 0 ? undefined : segments[typeAt + 1]
}

function readItem(item: unknown): FhirContextItem[] {
  // Before 2.2, servers sent plain references.
  if (typeof item === 'string') return [Object.freeze({ reference: item, role: 'launch' })]
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return []
  const { reference, canonical, identifier, role } = item as Record<string, unknown>
  if (typeof reference !== 'string' && typeof canonical !== 'string' && identifier === undefined) return []
  return [Object.freeze({ ...item, role: typeof role === 'string' && role !== '' ? role : 'launch' })]
}
