/** The command was called in a way that cannot work. The message says what to write instead. */
export class UsageError extends Error {}
