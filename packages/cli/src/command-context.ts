import type { Command } from 'commander'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import type { CommandResult } from './finding.ts'
import { createStyle, type Environment, type Output, type Style } from './output.ts'
import { createProgress, type Progress } from './progress.ts'

/** The environment of a command. */
export interface CommandContext {
  readonly env: Environment
  readonly stdout: Output
  readonly stderr: Output
  readonly style: Style
  /** Ends the command with this code. */
  exitWith(code: ExitCode): void
}

/** The option that each command has. */
export interface JsonOption {
  json?: boolean | undefined
}

/** The spinner of one run; none with `--json`. */
export function progressOf({ stderr, env }: CommandContext, { json }: JsonOption): Progress {
  return json ? { step: (_title, work) => work() } : createProgress(stderr, env)
}

/** Writes a command's result, as text or as JSON, and sets the exit code by it. */
export function show<R extends CommandResult>(
  context: CommandContext,
  command: Command,
  result: R,
  render: (result: R, style: Style) => string,
): void {
  const { json } = command.opts<JsonOption>()
  const text = json
    ? `${JSON.stringify({ command: command.name(), ...result }, null, 2)}\n`
    : render(result, context.style)
  context.stdout.write(text)
  context.exitWith(result.ok ? exitCodes.ok : exitCodes.problem)
}

/** The style of messages beside the result. */
export function errorStyle({ stderr, env }: CommandContext): Style {
  return createStyle(stderr, env)
}
