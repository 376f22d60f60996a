import { patients, type SyntheticPatient } from './patients.ts'
import { practitioners } from './practitioners.ts'
import type { FhirResource } from './resource.ts'
import { visitsOf } from './visit-calendar.ts'

const icd10 = 'http://hl7.org/fhir/sid/icd-10-cm'
const rxNorm = 'http://www.nlm.nih.gov/research/umls/rxnorm'

interface Problem {
  code: string
  name: string
  medication: { code?: string; name: string; dosage: string }
}

const allergicRhinitis: Problem = {
  code: 'J30.9',
  name: 'Allergic rhinitis, unspecified',
  medication: { name: 'Cetirizine 10 MG Oral Tablet', dosage: 'One tablet a day while it lasts' },
}

const problemsOfAdults: readonly Problem[] = [
  {
    code: 'I10',
    name: 'Essential (primary) hypertension',
    medication: { code: '314076', name: 'Lisinopril 10 MG Oral Tablet', dosage: 'One tablet every morning' },
  },
  {
    code: 'E11.9',
    name: 'Type 2 diabetes mellitus without complications',
    medication: {
      code: '861007',
      name: 'Metformin hydrochloride 500 MG Oral Tablet',
      dosage: 'One tablet twice a day',
    },
  },
  {
    code: 'E78.5',
    name: 'Hyperlipidemia, unspecified',
    medication: { name: 'Atorvastatin 20 MG Oral Tablet', dosage: 'One tablet every evening' },
  },
  allergicRhinitis,
  {
    code: 'M17.9',
    name: 'Osteoarthritis of knee, unspecified',
    medication: { name: 'Ibuprofen 400 MG Oral Tablet', dosage: 'One tablet when needed, at most three a day' },
  },
]

const problemsOfTheYoung: readonly Problem[] = [
  allergicRhinitis,
  {
    code: 'L20.9',
    name: 'Atopic dermatitis, unspecified',
    medication: { name: 'Hydrocortisone 1 % Topical Cream', dosage: 'Apply thinly twice a day' },
  },
]

const concept = (system: string, code: string): object => ({ coding: [{ system, code }] })

/** One problem of a patient, at the encounter that found it. */
interface Diagnosis {
  readonly patient: SyntheticPatient
  readonly problem: Problem
  /** The patient's first or second one. */
  readonly number: number
  readonly encounter: string
  readonly date: string
}

function condition({ patient, problem, number, encounter, date }: Diagnosis) {
  const terminology = 'http://terminology.hl7.org/CodeSystem'
  return {
    resourceType: 'Condition',
    id: `${patient.id}-condition-${number}`,
    meta: { lastUpdated: date },
    clinicalStatus: concept(`${terminology}/condition-clinical`, 'active'),
    verificationStatus: concept(`${terminology}/condition-ver-status`, 'confirmed'),
    category: [concept(`${terminology}/condition-category`, 'problem-list-item')],
    code: { coding: [{ system: icd10, code: problem.code, display: problem.name }], text: problem.name },
    subject: { reference: `Patient/${patient.id}`, display: patient.name },
    encounter: { reference: `Encounter/${encounter}` },
    onsetDateTime: date.slice(0, 10),
    recordedDate: date,
  } satisfies FhirResource
}

function medicationRequest({ patient, problem, number, encounter, date }: Diagnosis) {
  const { code, name, dosage } = problem.medication
  return {
    resourceType: 'MedicationRequest',
    id: `${patient.id}-medication-${number}`,
    meta: { lastUpdated: date },
    status: 'active',
    intent: 'order',
    category: [concept('http://terminology.hl7.org/CodeSystem/medicationrequest-category', 'community')],
    medicationCodeableConcept: {
      ...(code === undefined ? {} : { coding: [{ system: rxNorm, code, display: name }] }),
      text: name,
    },
    subject: { reference: `Patient/${patient.id}`, display: patient.name },
    encounter: { reference: `Encounter/${encounter}` },
    authoredOn: date,
    requester: { reference: `Practitioner/${practitioners[0]?.id}` },
    reasonReference: [{ reference: `Condition/${patient.id}-condition-${number}` }],
    dosageInstruction: [{ text: dosage }],
  } satisfies FhirResource
}

/** Two conditions with one medication each, both recorded at an encounter. */
export function problemsOf(patient: SyntheticPatient): FhirResource[] {
  const catalogue = patient.birthDate >= '2003' ? problemsOfTheYoung : problemsOfAdults
  // Neighbours in the list get different problems.
  const first = patients.indexOf(patient)
  return visitsOf(patient)
    .slice(0, 2)
    .flatMap((visit, i) => {
      const problem = catalogue[(first + i) % catalogue.length]
      if (problem === undefined) return []
      const diagnosis = { patient, problem, number: i + 1, encounter: visit.encounter, date: visit.time }
      return [condition(diagnosis), medicationRequest(diagnosis)]
    })
}
