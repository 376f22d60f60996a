import type { SyntheticPatient } from './patients.ts'
import { practitioners } from './practitioners.ts'
import type { Coding, FhirResource } from './resource.ts'
import type { Appointment } from './visit-calendar.ts'

const loinc = 'http://loinc.org'
const ucum = 'http://unitsofmeasure.org'
const observationCategory = 'http://terminology.hl7.org/CodeSystem/observation-category'

/** A LOINC code or several (the first is the principal one) with the display text. */
export interface Measure {
  codes: readonly [string, ...string[]]
  display: string
}

/** UCUM code and the unit as people write it. */
export interface Unit {
  code: string
  text: string
}

export function codeableConcept(measure: Measure): { coding: Coding[]; text: string } {
  const coding = measure.codes.map((code) => ({ system: loinc, code, display: measure.display }))
  return { coding, text: measure.display }
}

export function quantity(value: number, unit: Unit): object {
  return { value, unit: unit.text, system: ucum, code: unit.code }
}

export interface ObservationParts {
  readonly patient: SyntheticPatient
  readonly appointment: Appointment
  readonly label: string
  readonly category: 'vital-signs' | 'laboratory'
  readonly measure: Measure
}

/** The elements that every generated Observation shares. */
export function observation({ patient, appointment, label, category, measure }: ObservationParts): FhirResource {
  return {
    resourceType: 'Observation',
    id: `${patient.id}-${label}-${String(appointment.month + 1).padStart(2, '0')}`,
    meta: { lastUpdated: appointment.time },
    status: 'final',
    category: [{ coding: [{ system: observationCategory, code: category }] }],
    code: codeableConcept(measure),
    subject: { reference: `Patient/${patient.id}`, display: patient.name },
    ...(appointment.encounter === undefined ? {} : { encounter: { reference: `Encounter/${appointment.encounter}` } }),
    effectiveDateTime: appointment.time,
    performer: [{ reference: `Practitioner/${practitioners[0]?.id}` }],
  }
}
