const FHIR_ID = /^[A-Za-z0-9\-.]{1,64}$/

/**
 * Whether a text is an id as FHIR has them (R4 §2.24.0.1 `id`), so that an app may put it into a URL. The grammar allows `.`
 * and `..` as well, which in a URL would be another place.
 */
export function isFhirId(text: string): boolean {
  return FHIR_ID.test(text) && text !== '.' && text !== '..'
}
