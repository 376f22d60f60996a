/** The command was used wrongly. The message says what to write instead. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError'
}
