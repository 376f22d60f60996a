/** A framework's middleware as a plain call: one request, all that the framework does around it left out. */
export interface Calls {
  readonly noOp: () => unknown
  /** Where the framework makes something for the first value of a request: one is attached, and nothing else done. */
  readonly attaching?: () => unknown
  readonly live: () => unknown
  readonly without: () => unknown
  /** Whether the live call really attached a context. */
  readonly isAttached: () => boolean
}
