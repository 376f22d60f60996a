import fc from 'fast-check'
import { vi } from 'vitest'

// The same cases each time, so that no test fails by chance. `pnpm test:random` draws others, and more of them.
const seed = Number(process.env.FHIR_AUTH_SEED ?? 2_026)

fc.configureGlobal({ seed })

vi.mock('fast-check', async (importOriginal) => {
  const real = await importOriginal<typeof import('fast-check')>()
  const factor = Number(process.env.FHIR_AUTH_RUNS_FACTOR ?? 1)
  if (factor === 1) return real
  // Properties that have so many cases already get no more.
  const ENOUGH_RUNS = 20_000
  const assert = (property: Parameters<typeof real.assert>[0], parameters: { numRuns?: number } = {}) => {
    const { numRuns = 100 } = parameters
    return real.assert(property, { ...parameters, numRuns: Math.max(numRuns, Math.min(numRuns * factor, ENOUGH_RUNS)) })
  }
  return { ...real, assert, default: { ...real.default, assert } }
})
