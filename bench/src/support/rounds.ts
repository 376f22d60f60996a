/** One thing to measure, and what each round of it gave. */
export type Measured<Name extends string> = Record<Name, number[]>

/**
 * Measures things in turn, round after round, and each round begins with another one: whatever changes with time on the
 * machine meets them all alike.
 */
export async function inRounds<Name extends string>(
  names: readonly Name[],
  rounds: number,
  measure: (name: Name, round: number) => Promise<number>,
): Promise<Measured<Name>> {
  const measured = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Measured<Name>
  for (let round = 0; round < rounds; round++) {
    const start = round % names.length
    for (const name of [...names.slice(start), ...names.slice(0, start)]) {
      measured[name].push(await measure(name, round))
    }
  }
  return measured
}
