import type { CheckedRule } from './allow-list.ts'
import type { FhirInteraction } from './interaction.ts'
import { parametersOf } from './query.ts'

/** Resource types with the search parameter `patient` (FHIR R4, CompartmentDefinition patient and each type's list). */
const OF_A_PATIENT = new Set(
  `Account AllergyIntolerance Appointment AppointmentResponse AuditEvent Basic BodyStructure CarePlan CareTeam ChargeItem Claim
  ClaimResponse ClinicalImpression Communication CommunicationRequest Composition Condition Consent Contract Coverage
  CoverageEligibilityRequest CoverageEligibilityResponse DetectedIssue Device DeviceRequest DeviceUseStatement DiagnosticReport
  DocumentManifest DocumentReference Encounter EnrollmentRequest EpisodeOfCare ExplanationOfBenefit FamilyMemberHistory Flag Goal
  GuidanceResponse ImagingStudy Immunization ImmunizationEvaluation ImmunizationRecommendation Invoice List MeasureReport Media
  MedicationAdministration MedicationDispense MedicationRequest MedicationStatement MolecularSequence NutritionOrder Observation
  Procedure Provenance QuestionnaireResponse RelatedPerson RequestGroup ResearchSubject RiskAssessment ServiceRequest Specimen
  SupplyDelivery SupplyRequest Task VisionPrescription`.split(/\s+/),
)

/** Parameters that name a patient. */
const NAMES_PATIENT = new Set(['patient', 'subject', 'beneficiary', 'individual'])
/** They reach other resources, or choose them in a way that cannot be checked here. */
const REACHES_OUT = new Set(['_contained', '_filter', '_has', '_include', '_list', '_query', '_revinclude'])

/** Whose data a request may be about. */
export interface PatientLimit {
  readonly patient: string
  readonly fhirBaseUrl: string
}

/** Why a request is refused; undefined if it may pass. A search gets the patient's parameter where it has none. */
export function checkPatient(
  { interaction, type, id, operation }: FhirInteraction,
  { query, rule }: { readonly query: URLSearchParams; readonly rule: CheckedRule },
  limit: PatientLimit,
): string | undefined {
  if (rule.isPatientUnchecked || interaction === 'page' || interaction === 'batch') return undefined
  const { patient } = limit
  if (type === undefined) return `${operation ?? interaction} is not about one patient.`
  const isPatient = type === 'Patient'
  if (!isPatient && !OF_A_PATIENT.has(type)) {
    return `${type} belongs to no patient. Allow it as { method, type: '${type}', patient: 'unchecked' }.`
  }
  if (isPatient && id !== undefined && id !== patient) return 'Another patient is named.'
  if (isPatient && interaction === 'create') return 'A patient cannot be created in the context of another one.'
  for (const [name, value] of query) {
    // Some servers do not mind the case of a name.
    const base = (name.split(/[:.]/, 1)[0] ?? '').toLowerCase()
    if (REACHES_OUT.has(base) && rule.parameters?.has(base) !== true)
      return `The parameter ${base} reaches other resources.`
    if (!NAMES_PATIENT.has(base)) continue
    if (name !== base && name !== `${base}:Patient`)
      return `The parameter ${name.slice(0, 40)} does not name one patient.`
    if (!namesOnly(value, limit)) return 'Another patient is named.'
  }
  if (interaction === 'search') return limitSearch(isPatient ? '_id' : 'patient', query, limit)
  if (id === undefined && interaction !== 'create')
    return `${operation ?? interaction} of all ${type} is not about one patient.`
  return undefined
}

/** Whether nothing in a body refers to another patient. */
export function refersToOthers(body: unknown, { patient }: PatientLimit): boolean {
  // Not recursive: a body may be nested deeply.
  const open: unknown[] = [body]
  while (open.length > 0) {
    const value = open.pop()
    if (typeof value === 'string') {
      const [, id] = PATIENT_REFERENCE.exec(value) ?? []
      if (id !== undefined && id !== patient) return true
      const [, search] = PATIENT_SEARCH.exec(value) ?? []
      if (search !== undefined && !findsOnly(search, patient)) return true
    } else if (typeof value === 'object' && value !== null) {
      for (const member of Object.values(value)) open.push(member)
    }
  }
  return false
}

const PATIENT_REFERENCE =
  /^(?:[a-z][a-z\d+.-]*:\/\/\S*\/|\/)?Patient\/([^/?#|\s]+)(?:\/_history\/[^/\s]+)?(?:[?#|]\S*)?$/i

/** A conditional reference, which the server replaces by the patient that it finds (FHIR R4 §3.1.0.11.2). */
const PATIENT_SEARCH = /^(?:[a-z][a-z\d+.-]*:\/\/\S*\/|\/)?Patient\?(\S*)$/i

function findsOnly(search: string, patient: string): boolean {
  const ids = parametersOf(search).getAll('_id')
  return ids.length > 0 && ids.every((id) => id === patient)
}

function limitSearch(name: '_id' | 'patient', query: URLSearchParams, { patient }: PatientLimit): string | undefined {
  const given = query.getAll(name)
  if (name === '_id' && !given.every((value) => value === patient)) return 'Another patient is named.'
  if (given.length === 0) query.append(name, patient)
  return undefined
}

/** Whether each of the values, separated by commas, is this patient. */
function namesOnly(value: string, { patient, fhirBaseUrl }: PatientLimit): boolean {
  const base = fhirBaseUrl.endsWith('/') ? fhirBaseUrl : `${fhirBaseUrl}/`
  const accepted = [patient, `Patient/${patient}`, `${base}Patient/${patient}`]
  return value.split(',').every((name) => accepted.includes(name))
}
