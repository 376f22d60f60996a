const bringsPatient = (scope: string): boolean => scope === 'launch' || scope === 'launch/patient'
const needsPatient = (scope: string): boolean => scope.startsWith('patient/') || scope.startsWith('launch/encounter')

/**
 * The granted part of the requested scopes. If a person does not share the patient, scopes that need a patient are not granted
 * either: an app with a `patient/` scope always gets a patient (SMART App Launch 2.2 "Scopes for requesting FHIR Resources").
 */
export function consentedScopes(asked: readonly string[], ticked: ReadonlySet<string>): string[] {
  const wanted = asked.filter((scope) => ticked.has(scope))
  const keepsPatientBack = asked.some(bringsPatient) && !wanted.some(bringsPatient)
  return keepsPatientBack ? wanted.filter((scope) => !needsPatient(scope)) : wanted
}
