/** Capitalised words that are not names of people: first words of sentences, and common resource types. */
const PLAIN_WORDS: ReadonlySet<string> = new Set(
  (
    'A Access An Authorization Bad Bundle Cannot Client Code Content Could Error Failed FHIR Forbidden HAPI Header HTTP If ID ' +
    'Internal Invalid It JSON Method Missing More No Not Only Operation Parameter Permission Please Profile Rate Read ' +
    'Reference Request Required Resource Rule Scope Search See Server Service Syntax The There This Token Too Try Type ' +
    'Unable Unauthorized Unexpected Unknown Unsupported URL User Validation Value Version You Your ' +
    'AllergyIntolerance Appointment Binary CarePlan CareTeam Condition Consent Coverage Device DiagnosticReport ' +
    'DocumentReference Encounter Goal Group Immunization Location Medication MedicationRequest Observation Organization ' +
    'Patient Practitioner Procedure Questionnaire QuestionnaireResponse RelatedPerson ServiceRequest Task'
  ).split(' '),
)
const QUOTED = /(?<![A-Za-z])'[^']*'|"[^"]*"|`[^`]*`|[‘“«„][^’”»“]*[’”»“]/g
const MAX_LENGTH = 160

/**
 * Makes a server's text fit for a message: plain English words stay, and everything that may be a name, an id, a date or a
 * value of a patient becomes `…`.
 */
export function maskedText(text: string): string {
  const words = text
    .slice(0, 1000)
    .replace(QUOTED, ' … ')
    .split(/[\s\p{Cc}]+/u)
    .filter(Boolean)
    .map(maskedWord)
  const shown = words.filter((word, index) => word !== '…' || words[index - 1] !== '…').join(' ')
  if (!/[A-Za-z]/.test(shown)) return ''
  return shown.length > MAX_LENGTH ? `${shown.slice(0, MAX_LENGTH - 1)}…` : shown
}

function maskedWord(word: string): string {
  const [, opening = '', core = '', closing = ''] = /^(\(?)(.*?)([,.:;)]*)$/.exec(word) ?? []
  if (/^[a-z]+(?:[-'][a-z]+)*$/.test(core) || PLAIN_WORDS.has(core)) return opening + core + closing
  const [type = ''] = core.split('/', 1)
  return core.includes('/') && PLAIN_WORDS.has(type) ? `${type}/…` : '…'
}
