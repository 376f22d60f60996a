const FHIR_ID = /^[A-Za-z0-9\-.]{1,64}$/

/**
 * Whether a text is a FHIR id (R4 §2.24.0.1 `id`), so that an app may put it into a URL. FHIR's grammar also allows `.` and
 * `..`, but in a URL these mean another path.
 */
export function isFhirId(text: string): boolean {
  return FHIR_ID.test(text) && text !== '.' && text !== '..'
}
