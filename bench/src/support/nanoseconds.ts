import { do_not_optimize, measure } from 'mitata'
import { inRounds, type Measured } from './rounds.ts'

/** Nanoseconds of one call of each function: the median sample of each round, in turn. */
export async function nanoseconds<Name extends string>(
  calls: Record<Name, () => unknown>,
  rounds: number,
  settings: { isAsync?: boolean; milliseconds?: number } = {},
): Promise<Measured<Name>> {
  const { milliseconds = 150 } = settings
  return inRounds(Object.keys(calls) as Name[], rounds, async (name) => {
    const call = calls[name]
    const options = { min_cpu_time: milliseconds * 1e6, min_samples: 8 }
    const stats = settings.isAsync
      ? await measure(async () => do_not_optimize(await call()), options)
      : await measure(() => do_not_optimize(call()), options)
    return stats.p50
  })
}
