import { inRounds, type Measured } from './rounds.ts'

/** Nanoseconds of one call, measured over a batch, for calls that take time of their own or are awaited. */
export async function inBatches<Name extends string>(
  calls: Record<Name, () => unknown>,
  rounds: number,
  { batch, inFlight = 1 }: { batch: number; inFlight?: number },
): Promise<Measured<Name>> {
  const names = Object.keys(calls) as Name[]
  const run = async (name: Name) => {
    const call = calls[name]
    let left = batch
    const one = async () => {
      while (left-- > 0) await call()
    }
    const startedAt = process.hrtime.bigint()
    await (inFlight === 1 ? one() : Promise.all(Array.from({ length: inFlight }, one)))
    return Number(process.hrtime.bigint() - startedAt) / batch
  }
  for (const name of names) await run(name) // warms up
  return inRounds(names, rounds, run)
}
