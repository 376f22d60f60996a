export interface SyntheticPractitioner {
  id: string
  /** Given name and family name, in this order. */
  name: string
}

/** Invented clinicians. For a clinician's login, `fhirUser` is `Practitioner/{id}`. */
export const practitioners: readonly SyntheticPractitioner[] = [
  { id: 'juniper-stethwick', name: 'Juniper Stethwick' },
  { id: 'kestrel-chartwright', name: 'Kestrel Chartwright' },
]
