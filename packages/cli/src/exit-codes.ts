/** The exit codes of the command. */
export const exitCodes = {
  /** Nothing is wrong; there may be warnings. */
  ok: 0,
  /** A problem was found: at the server, in the keys, or in what is hosted. */
  problem: 1,
  /** The command was used wrongly, or its configuration is incomplete. Nothing was sent. */
  usage: 2,
  /** A bug in the command itself. */
  fault: 70,
} as const

/** One of {@link exitCodes}. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]
