import fc from 'fast-check'
import { FhirAuthError } from '../../src/index.ts'

/** A place where hostile input comes in. */
export interface Surface<Input> {
  readonly name: string
  readonly inputs: fc.Arbitrary<Input>
  /** Feeds one input in: gives back what an attacker would have gained by it, or undefined. */
  readonly gain: (input: Input) => Promise<string | undefined>
}

export interface Count {
  readonly name: string
  readonly inputs: number
  /** Inputs by which an attacker gained something. */
  readonly accepted: readonly string[]
  /** Inputs that ended in an error which is not this library's own. */
  readonly crashes: readonly string[]
  readonly slowestMs: number
}

const CHUNK = 1000

export async function fuzz<Input>(surface: Surface<Input>, runs: number, seed: number): Promise<Count> {
  const accepted: string[] = []
  const crashes: string[] = []
  let slowestMs = 0
  for (let done = 0; done < runs; done += CHUNK) {
    const numRuns = Math.min(CHUNK, runs - done)
    for (const input of fc.sample(surface.inputs, { numRuns, seed: seed + done })) {
      const startedAt = performance.now()
      try {
        const gain = await surface.gain(input)
        if (gain !== undefined) accepted.push(`${gain}: ${JSON.stringify(input)}`)
      } catch (error) {
        if (!(error instanceof FhirAuthError)) crashes.push(`${error}: ${JSON.stringify(input)}`)
      }
      slowestMs = Math.max(slowestMs, performance.now() - startedAt)
    }
  }
  if ('planted' in {}) accepted.push('a member of every object')
  return { name: surface.name, inputs: runs, accepted, crashes, slowestMs }
}
