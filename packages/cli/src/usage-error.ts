/** The command was used wrongly: says what to write instead. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError'
}
