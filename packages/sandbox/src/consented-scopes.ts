const bringsPatient = (scope: string): boolean => scope === 'launch' || scope === 'launch/patient'
const needsPatient = (scope: string): boolean => scope.startsWith('patient/') || scope.startsWith('launch/encounter')

/**
 * What is granted of the asked scopes. A person who keeps back the patient keeps back what needs one: an app that may
 * use a `patient/` scope gets a patient (SMART App Launch 2.2 "Scopes for requesting FHIR Resources").
 */
export function consentedScopes(asked: readonly string[], ticked: ReadonlySet<string>): string[] {
  const wanted = asked.filter((scope) => ticked.has(scope))
  const keepsPatientBack = asked.some(bringsPatient) && !wanted.some(bringsPatient)
  return keepsPatientBack ? wanted.filter((scope) => !needsPatient(scope)) : wanted
}
