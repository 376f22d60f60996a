import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'

export function addSandbox(program: Command, context: CommandContext, untilStopped: () => Promise<void>): void {
  program
    .command('sandbox')
    .description('Start a SMART server on this machine, for development. Its own --help lists its options.')
    // The sandbox reads its own options, and explains them.
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async (_options: unknown, command: Command) => {
      // Only this command needs an authorization server in memory.
      const { runSandbox } = await import('@fhir-auth/sandbox')
      const write = (line: string) => void context.stdout.write(`${line}\n`)
      const running = await runSandbox(command.args, write, 'fhir-auth sandbox')
      if ('exitCode' in running) {
        context.exitWith(running.exitCode as ExitCode) // 0 or 2, which mean the same here
        return
      }
      await untilStopped()
      await running.close()
      context.exitWith(exitCodes.ok)
    })
}
