import { createRequire } from 'node:module'
import { FhirAuthError } from '@fhir-auth/core'
import { Command, CommanderError } from 'commander'
import type { CommandContext } from './command-context.ts'
import { addDiscover } from './commands/discover.ts'
import { addDoctor } from './commands/doctor.ts'
import { addJwks } from './commands/jwks.ts'
import { addKeygen } from './commands/keygen.ts'
import { addSandbox } from './commands/sandbox.ts'
import { addToken } from './commands/token.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { createStyle, type Environment, type Output, printable } from './output.ts'
import { UsageError } from './usage-error.ts'
import { isSystemError } from './write-file.ts'

/** Where the command reads and writes. Default: this process. */
export interface MainOptions {
  stdout?: Output | undefined
  stderr?: Output | undefined
  env?: Environment | undefined
  /** Ends the command `sandbox`. Default: Ctrl-C. */
  untilStopped?: (() => Promise<void>) | undefined
}

const EXIT_CODES = `
Exit codes:
  0   nothing is wrong; there may be warnings
  1   a problem was found
  2   wrong usage, or an incomplete configuration; nothing was sent
  70  a fault of the command itself`

/**
 * Runs the command `fhir-auth`.
 *
 * @param args - without the program's own name
 * @returns the exit code
 */
export async function main(args: readonly string[], options: MainOptions = {}): Promise<ExitCode> {
  const { stdout = process.stdout, stderr = process.stderr, env = process.env } = options
  if (options.stdout === undefined) process.stdout.on('error', ignoreAbsentReader)
  let exitCode: ExitCode = exitCodes.ok
  const context: CommandContext = {
    env,
    stdout,
    stderr,
    style: createStyle(stdout, env),
    exitWith: (code) => {
      exitCode = code
    },
  }
  const isJson = args.includes('--json')
  const program = createProgram(context, isJson, options.untilStopped ?? untilInterrupted)
  try {
    await program.parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (error) {
    const failure = failureOf(error)
    if (failure.message === undefined) return failure.exitCode
    if (isJson) {
      const { code, message } = failure
      stdout.write(`${JSON.stringify({ command: args[0], ok: false, error: { code, message } }, null, 2)}\n`)
    } else {
      const mark = createStyle(stderr, env).bad('error')
      const hint = error instanceof CommanderError ? 'fhir-auth help shows what there is.\n' : ''
      stderr.write(`${mark} ${printable(failure.message)}\n${hint}`)
    }
    return failure.exitCode
  }
}

function createProgram(context: CommandContext, isJson: boolean, untilStopped: () => Promise<void>): Command {
  const program = new Command('fhir-auth')
  program
    .description('SMART on FHIR from the command line: keys, discovery, tokens, and what is wrong with them.')
    .version(version(), '--version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      // The help of a call without a command.
      writeErr: (text) => void (isJson || context.stderr.write(text)),
      // Errors are written in one place, by `main`.
      outputError: () => {},
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText('after', `${EXIT_CODES}\n\nExample:\n  fhir-auth doctor --config fhir-auth.json`)
  addKeygen(program, context)
  addJwks(program, context)
  addDiscover(program, context)
  addToken(program, context)
  addDoctor(program, context)
  for (const command of program.commands) command.option('--json', 'print the result as JSON')
  addSandbox(program, context, untilStopped)
  return program
}

interface Failure {
  readonly exitCode: ExitCode
  readonly code: string
  /** Undefined if everything has been printed. */
  readonly message: string | undefined
}

function failureOf(error: unknown): Failure {
  if (error instanceof CommanderError) {
    // Help and version end this way too.
    if (error.exitCode === 0) return { exitCode: exitCodes.ok, code: error.code, message: undefined }
    if (error.code === 'commander.help') {
      return { exitCode: exitCodes.usage, code: 'usage', message: 'There is no command.' }
    }
    return { exitCode: exitCodes.usage, code: 'usage', message: error.message.replace(/^error: /, '') }
  }
  if (error instanceof UsageError) return { exitCode: exitCodes.usage, code: 'usage', message: error.message }
  if (error instanceof FhirAuthError) return { exitCode: exitCodes.usage, code: error.code, message: error.message }
  // For example a folder that is not writable, or a full disk.
  if (error instanceof Error && 'syscall' in error) {
    return { exitCode: exitCodes.usage, code: 'system', message: `${error.message}.` }
  }
  const message = error instanceof Error ? error.message : String(error)
  return { exitCode: exitCodes.fault, code: 'fault', message: `${message}. This is a fault of the command.` }
}

function version(): string {
  const { version }: { version: string } = createRequire(import.meta.url)('../package.json')
  return version
}

/** The reader of a pipe may close it early, as in `fhir-auth … | head`. */
function ignoreAbsentReader(error: Error): void {
  if (!isSystemError(error, 'EPIPE')) throw error
}

/** Resolves at Ctrl-C, or when a container stops. */
function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}
