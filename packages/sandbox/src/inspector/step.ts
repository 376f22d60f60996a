/** One line of a table: the name of a parameter, header or claim, and what the inspector shows of its value. */
export type Shown = readonly [name: string, value: string]

/** A rule, whether it holds, and where it is written. */
export interface Verdict {
  readonly holds: boolean
  readonly text: string
  readonly section: string
}

/** A JWT, decoded. Its signature is not shown. */
export interface ShownJwt {
  readonly name: string
  readonly header: readonly Shown[]
  readonly claims: readonly Shown[]
}

/** One request and its answer, as the inspector shows them: without secrets. */
export interface Step {
  readonly id: number
  /** Epoch milliseconds. */
  readonly time: number
  readonly durationMs: number
  /** Steps of one flow belong together: one login, or one system. */
  readonly flow: string
  readonly title: string
  readonly method: string
  readonly url: string
  readonly status: number
  readonly parameters: readonly Shown[]
  readonly headers: readonly Shown[]
  readonly answer: readonly Shown[]
  readonly answerHeaders: readonly Shown[]
  readonly jwts: readonly ShownJwt[]
  readonly verdicts: readonly Verdict[]
}
