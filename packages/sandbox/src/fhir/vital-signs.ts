import { codeableConcept, type Measure, observation, quantity, type Unit } from './observation.ts'
import type { SyntheticPatient } from './patients.ts'
import type { FhirResource } from './resource.ts'
import { round, seededGenerator } from './seeded-generator.ts'
import { type Appointment, appointmentsOf, measuredMonths } from './visit-calendar.ts'

// LOINC codes and UCUM units of https://hl7.org/fhir/R4/observation-vitalsigns.html
const bloodPressure: Measure = { codes: ['85354-9'], display: 'Blood pressure panel' }
const systolic: Measure = { codes: ['8480-6'], display: 'Systolic blood pressure' }
const diastolic: Measure = { codes: ['8462-4'], display: 'Diastolic blood pressure' }
const heartRate: Measure = { codes: ['8867-4'], display: 'Heart rate' }
const bodyWeight: Measure = { codes: ['29463-7'], display: 'Body weight' }
const bodyHeight: Measure = { codes: ['8302-2'], display: 'Body height' }
const bodyTemperature: Measure = { codes: ['8310-5'], display: 'Body temperature' }
// 59408-5 says "by pulse oximetry"; a client that knows only that code finds the value too.
const oxygenSaturation: Measure = { codes: ['2708-6', '59408-5'], display: 'Oxygen saturation' }

const millimetresOfMercury: Unit = { code: 'mm[Hg]', text: 'mmHg' }
const perMinute: Unit = { code: '/min', text: 'beats/minute' }
const kilograms: Unit = { code: 'kg', text: 'kg' }
const centimetres: Unit = { code: 'cm', text: 'cm' }
const degreesCelsius: Unit = { code: 'Cel', text: '°C' }
const percent: Unit = { code: '%', text: '%' }

interface Baseline {
  systolic: number
  heartRate: number
  weight: number
  height: number
  /** Growth over all measured months, in cm. */
  growth: number
  /** Change of weight over all measured months, in kg. */
  weightTrend: number
  /** Change of systolic pressure over all measured months, in mmHg. */
  pressureTrend: number
}

function baselineOf(patient: SyntheticPatient): Baseline {
  const generator = seededGenerator(`${patient.id} baseline`)
  const age = 2023 - Number(patient.birthDate.slice(0, 4))
  if (age < 16) {
    return {
      systolic: 92 + age,
      heartRate: 105 - 2 * age,
      weight: 8 + 2.7 * age,
      height: 78 + 6 * age,
      growth: generator.between(6, 9),
      weightTrend: generator.between(3, 6, 1),
      pressureTrend: 2,
    }
  }
  return {
    systolic: generator.between(108, 118) + age * 0.35,
    heartRate: generator.between(60, 78),
    weight: generator.between(58, 92),
    height: generator.between(156, 184),
    growth: 0,
    weightTrend: generator.between(-5, 5, 1),
    pressureTrend: generator.between(-12, 8),
  }
}

function vitalSignsAt(patient: SyntheticPatient, appointment: Appointment, base: Baseline): FhirResource[] {
  const generator = seededGenerator(`${patient.id} vital signs ${appointment.month}`)
  const progress = appointment.month / (measuredMonths - 1)
  const vital = (label: string, measure: Measure, value: object): FhirResource => ({
    ...observation({ patient, appointment, label, category: 'vital-signs', measure }),
    ...value,
  })
  const upper = round(base.systolic + progress * base.pressureTrend + generator.between(-6, 6), 0)
  const lower = round(upper * 0.62 + generator.between(-3, 3), 0)
  const pulse = round(base.heartRate + generator.between(-7, 7), 0)
  const weight = round(base.weight + progress * base.weightTrend + generator.between(-0.6, 0.6, 1), 1)
  const height = round(base.height + progress * base.growth, 1)
  return [
    vital('blood-pressure', bloodPressure, {
      component: [
        { code: codeableConcept(systolic), valueQuantity: quantity(upper, millimetresOfMercury) },
        { code: codeableConcept(diastolic), valueQuantity: quantity(lower, millimetresOfMercury) },
      ],
    }),
    vital('heart-rate', heartRate, { valueQuantity: quantity(pulse, perMinute) }),
    vital('body-weight', bodyWeight, { valueQuantity: quantity(weight, kilograms) }),
    vital('body-height', bodyHeight, { valueQuantity: quantity(height, centimetres) }),
    vital('temperature', bodyTemperature, {
      valueQuantity: quantity(generator.between(36.2, 37.3, 1), degreesCelsius),
    }),
    vital('oxygen', oxygenSaturation, { valueQuantity: quantity(generator.between(95, 100), percent) }),
  ]
}

/** Six vital signs at each monthly appointment, oldest first. */
export function vitalSignsOf(patient: SyntheticPatient): FhirResource[] {
  const base = baselineOf(patient)
  return appointmentsOf(patient).flatMap((appointment) => vitalSignsAt(patient, appointment, base))
}
