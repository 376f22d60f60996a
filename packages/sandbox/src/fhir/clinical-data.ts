import { laboratoryResultsOf } from './laboratory.ts'
import { patients, type SyntheticPatient } from './patients.ts'
import { practitioners } from './practitioners.ts'
import { problemsOf } from './problems.ts'
import type { FhirResource } from './resource.ts'
import { visitsOf } from './visit-calendar.ts'
import { vitalSignsOf } from './vital-signs.ts'

/** When the demographics, practitioners and the cohort were last touched; fixed, as every date here is. */
const enteredAt = '2023-07-01T08:00:00Z'
const identifierSystem = 'urn:fhir-auth:sandbox:record-number'

/** The id of the one Group, which holds every patient. */
const cohortId = 'sandbox-cohort'

function humanName(name: string): object[] {
  const [given, ...family] = name.split(' ')
  return [{ use: 'official', text: name, family: family.join(' '), given: [given] }]
}

function patientResource(patient: SyntheticPatient, index: number): FhirResource {
  return {
    resourceType: 'Patient',
    id: patient.id,
    meta: { lastUpdated: enteredAt },
    identifier: [{ system: identifierSystem, value: `SYNTHETIC-${String(index + 1).padStart(4, '0')}` }],
    active: true,
    name: humanName(patient.name),
    gender: patient.gender,
    birthDate: patient.birthDate,
    generalPractitioner: [{ reference: `Practitioner/${practitioners[index % practitioners.length]?.id}` }],
  }
}

function encountersOf(patient: SyntheticPatient): FhirResource[] {
  return visitsOf(patient).map((visit) => ({
    resourceType: 'Encounter',
    id: visit.encounter,
    meta: { lastUpdated: visit.time },
    status: 'finished',
    class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB', display: 'ambulatory' },
    type: [{ text: 'Office visit' }],
    subject: { reference: `Patient/${patient.id}`, display: patient.name },
    participant: [{ individual: { reference: `Practitioner/${practitioners[0]?.id}` } }],
    period: { start: visit.time, end: visit.time.replace(':00:00Z', ':40:00Z') },
  }))
}

function cohort(): FhirResource {
  return {
    resourceType: 'Group',
    id: cohortId,
    meta: { lastUpdated: enteredAt },
    type: 'person',
    actual: true,
    name: 'All synthetic patients',
    quantity: patients.length,
    member: patients.map((patient) => ({ entity: { reference: `Patient/${patient.id}` } })),
  }
}

/** Every resource the API starts with; the same ones on every call. */
export function clinicalData(): FhirResource[] {
  return [
    ...patients.map(patientResource),
    ...practitioners.map(
      ({ id, name }): FhirResource => ({
        resourceType: 'Practitioner',
        id,
        meta: { lastUpdated: enteredAt },
        active: true,
        name: humanName(name),
      }),
    ),
    cohort(),
    ...patients.flatMap((patient) => [
      ...encountersOf(patient),
      ...problemsOf(patient),
      ...vitalSignsOf(patient),
      ...laboratoryResultsOf(patient),
    ]),
  ]
}
