import { expect, it } from 'vitest'
import { launchSurfaces } from './launch-surfaces.ts'
import { serverSurfaces } from './server-surfaces.ts'
import { type Count, fuzz, type Surface } from './surface.ts'

// The short form, with one seed. `pnpm fuzz` runs the long one with a new seed, and prints what it counted.
const RUNS = Number(process.env.FHIR_AUTH_FUZZ_RUNS ?? 150)
const SEED = Number(process.env.FHIR_AUTH_SEED ?? 2026)

const surfaces = [...(await launchSurfaces()), ...(await serverSurfaces())] as Surface<unknown>[] // each makes its own inputs

it.each(surfaces)(
  'SEC-02 SEC-09 hostile input gains nothing and breaks nothing: $name',
  { timeout: 1_200_000 },
  async (surface) => {
    const count = await fuzz(surface, RUNS, SEED)
    if (process.env.FHIR_AUTH_FUZZ_RUNS) console.log(lineOf(count))
    expect(count.accepted.slice(0, 5)).toEqual([])
    expect(count.crashes.slice(0, 5)).toEqual([])
  },
)

function lineOf({ name, inputs, accepted, crashes, slowestMs }: Count): string {
  return `fuzz ${JSON.stringify({ name, inputs, accepted: accepted.length, crashes: crashes.length, slowestMs: Math.ceil(slowestMs) })}`
}
