import type { FhirContext } from '@fhir-auth/express'
import type { Bundle, Condition, FhirResource, Observation, Patient } from 'fhir/r4.js'

/** One measurement, ready for a chart. */
export interface VitalSign {
  date: string
  systolic: number | undefined
  diastolic: number | undefined
  heartRate: number | undefined
}

export interface Chart {
  patient: Patient
  conditions: Condition[]
  vitals: VitalSign[]
}

// LOINC codes of the vital signs shown.
const BLOOD_PRESSURE = '85354-9'
const SYSTOLIC = '8480-6'
const DIASTOLIC = '8462-4'
const HEART_RATE = '8867-4'

export async function readChart(fhir: FhirContext): Promise<Chart> {
  const [patient, conditions, vitals] = await Promise.all([
    fhir.json<Patient>(`Patient/${fhir.patient}`),
    search<Condition>(fhir, `Condition?patient=${fhir.patient}`),
    readVitals(fhir),
  ])
  return { patient, conditions, vitals }
}

/** Blood pressure and heart rate by day, oldest first. */
export async function readVitals(fhir: FhirContext): Promise<VitalSign[]> {
  const observations = await search<Observation>(
    fhir,
    `Observation?patient=${fhir.patient}&category=vital-signs&_count=200`,
  )
  const byDate = new Map<string, VitalSign>()
  for (const observation of observations) {
    const date = observation.effectiveDateTime?.slice(0, 10)
    if (!date) continue
    const vital = byDate.get(date) ?? { date, systolic: undefined, diastolic: undefined, heartRate: undefined }
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

async function search<T extends FhirResource>(fhir: FhirContext, query: string): Promise<T[]> {
  const resources: T[] = []
  let next: string | undefined = query
  while (next) {
    const bundle: Bundle<T> = await fhir.json(next)
    resources.push(...(bundle.entry ?? []).flatMap(({ resource }) => (resource ? [resource] : [])))
    next = bundle.link?.find(({ relation }) => relation === 'next')?.url
  }
  return resources
}

function hasCode(concept: Observation['code'], code: string): boolean {
  return concept.coding?.some((coding) => coding.code === code) ?? false
}

function component(observation: Observation, code: string): number | undefined {
  return observation.component?.find((part) => hasCode(part.code, code))?.valueQuantity?.value
}
