import type { SyntheticPatient } from './patients.ts'
import { seededGenerator } from './seeded-generator.ts'

/** Months on which vital signs were taken: July 2023 to December 2024. */
export const measuredMonths = 18

/** One monthly appointment of a patient; some of them are an encounter. */
export interface Appointment {
  /** Counted from 0. */
  month: number
  /** `YYYY-MM-DDThh:mm:ssZ`. */
  time: string
  encounter: string | undefined
}

/** A patient's appointments, oldest first; the encounters are spread evenly over them. */
export function appointmentsOf(patient: SyntheticPatient): Appointment[] {
  const generator = seededGenerator(`${patient.id} appointments`)
  const encounterOfMonth = new Map<number, string>()
  patient.encounters.forEach((encounter, i) => {
    encounterOfMonth.set(Math.floor((i * (measuredMonths - 1)) / Math.max(1, patient.encounters.length - 1)), encounter)
  })
  return Array.from({ length: measuredMonths }, (_, month) => {
    const day = generator.between(2, 27)
    const hour = generator.between(8, 16)
    const time = new Date(Date.UTC(2023, 6 + month, day, hour)).toISOString().replace('.000Z', 'Z')
    return { month, time, encounter: encounterOfMonth.get(month) }
  })
}

/** The appointments that are encounters, oldest first. */
export function visitsOf(patient: SyntheticPatient): (Appointment & { encounter: string })[] {
  return appointmentsOf(patient).flatMap((a) => (a.encounter === undefined ? [] : [{ ...a, encounter: a.encounter }]))
}
