import type { World } from './world.ts'

export interface OperatorLine {
  level: string
  message: string
  fhirAuth: { reference: string; code: string; status: number; fhirBaseUrl?: string }
}

/** The operator's log lines so far. */
export function operatorLines(world: World): OperatorLine[] {
  return world
    .printed()
    .split('\n')
    .filter((line) => line.includes('"message":"fhir-auth: '))
    .map((line) => JSON.parse(line.slice(line.indexOf('{'))) as OperatorLine)
}
