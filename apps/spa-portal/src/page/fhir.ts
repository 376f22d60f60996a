import type { FhirClient } from '@fhir-auth/browser'
import type { CodeableConcept, Observation, Patient } from 'fhir/r4.js'

/** One measurement, ready for a chart. */
export interface VitalSign {
  date: string
  systolic?: number | undefined
  diastolic?: number | undefined
  heartRate?: number | undefined
}

// LOINC codes of the vital signs shown.
const BLOOD_PRESSURE = '85354-9'
const SYSTOLIC = '8480-6'
const DIASTOLIC = '8462-4'
const HEART_RATE = '8867-4'

/** Blood pressure and heart rate by day, oldest first. */
export async function readVitals(fhir: FhirClient, patient: string): Promise<VitalSign[]> {
  const byDate = new Map<string, VitalSign>()
  for await (const observation of fhir.search<Observation>(`Observation?patient=${patient}&category=vital-signs`)) {
    const date = observation.effectiveDateTime?.slice(0, 10)
    if (date === undefined) continue
    const vital = byDate.get(date) ?? { date }
    if (hasCode(observation.code, BLOOD_PRESSURE)) {
      vital.systolic = component(observation, SYSTOLIC)
      vital.diastolic = component(observation, DIASTOLIC)
    } else if (hasCode(observation.code, HEART_RATE)) {
      vital.heartRate = observation.valueQuantity?.value
    } else continue
    byDate.set(date, vital)
  }
  return [...byDate.values()].sort((a, b) => a.date.localeCompare(b.date))
}

export async function collect<T>(resources: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const resource of resources) all.push(resource)
  return all
}

export function nameOf({ name: [name] = [] }: Patient): string {
  return name?.text ?? [...(name?.given ?? []), name?.family].join(' ')
}

function hasCode({ coding = [] }: CodeableConcept, code: string): boolean {
  return coding.some((each) => each.code === code)
}

function component({ component: parts = [] }: Observation, code: string): number | undefined {
  return parts.find((part) => hasCode(part.code, code))?.valueQuantity?.value
}
