import { type Measure, observation, quantity, type Unit } from './observation.ts'
import type { SyntheticPatient } from './patients.ts'
import type { FhirResource } from './resource.ts'
import { seededGenerator } from './seeded-generator.ts'
import { visitsOf } from './visit-calendar.ts'

interface LaboratoryTest {
  label: string
  measure: Measure
  unit: Unit
  range: readonly [low: number, high: number, digits: number]
}

const milligramsPerDecilitre: Unit = { code: 'mg/dL', text: 'mg/dL' }

const tests: readonly LaboratoryTest[] = [
  {
    label: 'hba1c',
    measure: { codes: ['4548-4'], display: 'Hemoglobin A1c/Hemoglobin.total in Blood' },
    unit: { code: '%', text: '%' },
    range: [4.9, 6.3, 1],
  },
  {
    label: 'glucose',
    measure: { codes: ['2345-7'], display: 'Glucose [Mass/volume] in Serum or Plasma' },
    unit: milligramsPerDecilitre,
    range: [74, 124, 0],
  },
  {
    label: 'creatinine',
    measure: { codes: ['2160-0'], display: 'Creatinine [Mass/volume] in Serum or Plasma' },
    unit: milligramsPerDecilitre,
    range: [0.6, 1.3, 2],
  },
  {
    label: 'cholesterol',
    measure: { codes: ['2093-3'], display: 'Cholesterol [Mass/volume] in Serum or Plasma' },
    unit: milligramsPerDecilitre,
    range: [142, 251, 0],
  },
]

/** Four laboratory results at each encounter, oldest first; each stays near the patient's own level. */
export function laboratoryResultsOf(patient: SyntheticPatient): FhirResource[] {
  const visits = visitsOf(patient)
  const byTest = tests.map((test) => {
    const [low, high, digits] = test.range
    const generator = seededGenerator(`${patient.id} ${test.label}`)
    const level = generator.between(low, high, digits)
    const spread = (high - low) / 10
    return visits.map((visit) => ({
      ...observation({
        patient,
        appointment: visit,
        label: test.label,
        category: 'laboratory',
        measure: test.measure,
      }),
      valueQuantity: quantity(generator.between(level - spread, level + spread, digits), test.unit),
    }))
  })
  return visits.flatMap((_, i) => byTest.flatMap((results) => results[i] ?? []))
}
