/** What a person sees when something is wrong, why, and what to do. */
export interface Advice {
  /** A symptom, a code, or a server's answer, in Markdown. */
  readonly sees: string
  readonly cause: string
  /** What to do, the likeliest first. `{name}` stands for a value of the case at hand. */
  readonly remedies: readonly string[]
  /** The test that produces it: its file, and its title or the beginning of it. */
  readonly test: readonly [file: string, title: string]
}

/** The remedies with the values of a case in their places. */
export function remediesOf({ remedies }: Advice, values: Readonly<Record<string, string>> = {}): string[] {
  return remedies.map((text) => text.replace(/\{(\w+)\}/g, (place, name: string) => values[name] ?? place))
}
