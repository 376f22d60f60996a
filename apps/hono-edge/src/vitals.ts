import type { FhirContext } from '@fhir-auth/hono'
import type { Bundle, Observation, Quantity } from 'fhir/r4.js'

/** One measurement, ready to show. */
export interface VitalSign {
  date: string
  name: string
  value: string
}

/** The newest vital signs of the patient in context, newest first. */
export async function readVitals(fhir: FhirContext): Promise<VitalSign[]> {
  const query = new URLSearchParams({
    patient: fhir.patient ?? '',
    category: 'vital-signs',
    _sort: '-date',
    _count: '20',
  })
  const { entry = [] } = await fhir.json<Bundle<Observation>>(`Observation?${query}`)
  return entry.flatMap(({ resource }) => (resource ? [vitalSign(resource)] : []))
}

function vitalSign({ code, effectiveDateTime = '', valueQuantity, component = [] }: Observation): VitalSign {
  const parts = [valueQuantity, ...component.map((part) => part.valueQuantity)].filter((part) => part !== undefined)
  return {
    date: effectiveDateTime.slice(0, 10),
    name: code.text ?? code.coding?.[0]?.display ?? '',
    value: `${parts.map(({ value }) => value).join('/')} ${unitOf(parts[0])}`,
  }
}

function unitOf(quantity: Quantity | undefined): string {
  return quantity?.unit ?? ''
}
