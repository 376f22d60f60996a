import { parseResourceScope } from './smart-scopes.ts'

const CONTEXT: Readonly<Record<string, string>> = {
  openid: 'Know that it is you',
  fhirUser: 'Know who you are: your name and role',
  profile: 'Know your profile',
  launch: 'Know which record is open',
  'launch/patient': 'Know whose record this is',
  'launch/encounter': 'Know which visit this is about',
  offline_access: 'Stay connected when you are not there',
  online_access: 'Stay connected as long as you are logged in',
}

const TYPES: Readonly<Record<string, string>> = {
  '*': 'everything',
  AllergyIntolerance: 'allergies',
  Appointment: 'appointments',
  CarePlan: 'care plans',
  Condition: 'conditions',
  DiagnosticReport: 'reports',
  DocumentReference: 'documents',
  Encounter: 'visits',
  Immunization: 'vaccinations',
  MedicationRequest: 'prescriptions',
  Observation: 'measurements and laboratory results',
  Patient: 'name, birth date and address',
  Practitioner: 'clinicians',
  Procedure: 'procedures',
  QuestionnaireResponse: 'answers to questionnaires',
}

const PERMISSIONS: Readonly<Record<string, string>> = {
  r: 'read',
  s: 'search',
  c: 'add',
  u: 'change',
  d: 'delete',
}

const LEVELS: Readonly<Record<string, string>> = {
  patient: 'in this record',
  user: 'that you may see yourself',
  system: 'in all records',
}

/** What a scope lets an app do, for a person who reads the consent page. Undefined for a scope that has no words. */
export function scopeInWords(scope: string): string | undefined {
  if (Object.hasOwn(CONTEXT, scope)) return CONTEXT[scope]
  const parsed = parseResourceScope(scope)
  if (parsed === undefined) return undefined
  const { level, resource, permissions, query } = parsed
  const verbs = Object.keys(PERMISSIONS).filter((letter) => permissions.includes(letter))
  const what = (Object.hasOwn(TYPES, resource) ? TYPES[resource] : undefined) ?? `data of the kind ${resource}`
  const only = query.length > 0 ? `, only where ${query.join(' and ')}` : ''
  return `${sentence(verbs.map((letter) => PERMISSIONS[letter] ?? ''))} ${what} ${LEVELS[level]}${only}`
}

/** `Read, search and add`. */
function sentence(words: readonly string[]): string {
  const last = words.at(-1) ?? ''
  const text = words.length > 1 ? `${words.slice(0, -1).join(', ')} and ${last}` : last
  return text.charAt(0).toUpperCase() + text.slice(1)
}
