export interface SyntheticPractitioner {
  id: string
  /** Given name and family name, in this order. */
  name: string
}

/** Invented clinicians; `Practitioner/{id}` is what `fhirUser` points at for a clinician login. */
export const practitioners: readonly SyntheticPractitioner[] = [
  { id: 'juniper-stethwick', name: 'Juniper Stethwick' },
  { id: 'kestrel-chartwright', name: 'Kestrel Chartwright' },
]
