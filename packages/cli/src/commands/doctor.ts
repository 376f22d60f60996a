import type { Command } from 'commander'
import type { Check, CheckStatus } from '../check.ts'
import { type CommandContext, type JsonOption, progressOf, show } from '../command-context.ts'
import { CHECK_TITLES, type DoctorOptions, type DoctorReport, diagnose } from '../diagnosis.ts'
import { exitCodes } from '../exit-codes.ts'
import { printable, type Style } from '../output.ts'
import { addSettingOptions } from '../setting-options.ts'

function renderCheck({ name, status, summary, details }: Check, style: Style): string {
  const marks: Readonly<Record<CheckStatus, string>> = {
    green: style.good('ok  '),
    amber: style.warn('warn'),
    red: style.bad('FAIL'),
    skipped: style.dim('skip'),
  }
  const lines = details.map((detail) => `        ${printable(detail)}\n`)
  return `${marks[status]}  ${CHECK_TITLES[name]}: ${printable(summary)}\n${lines.join('')}`
}

function renderVerdict({ checks }: DoctorReport, style: Style): string {
  const count = (status: CheckStatus) => checks.filter((check) => check.status === status).length
  const line = `${count('green')} ok, ${count('amber')} with a warning, ${count('red')} failed, ${count('skipped')} not checked`
  return `\n${count('red') > 0 ? style.bad(line) : count('amber') > 0 ? style.warn(line) : style.good(line)}\n`
}

export function addDoctor(program: Command, context: CommandContext): void {
  addSettingOptions(
    program
      .command('doctor')
      .description(
        'Check one configuration from end to end: a system up to a FHIR read, a login up to its login page.',
      ),
  )
    .option('--with <files...>', 'the configuration files of other registrations of the app: no redirect URI twice')
    .addHelpText(
      'after',
      '\nWith a redirect URI it checks a login, else a system.\n\nExample:\n  fhir-auth doctor --config fhir-auth.json',
    )
    .action(async (options: DoctorOptions & JsonOption, command: Command) => {
      const { stdout, style } = context
      const onCheck = (check: Check): void => {
        if (!options.json) stdout.write(renderCheck(check, style))
      }
      const progress = progressOf(context, options)
      const report = await diagnose(options, context.env, { progress, onCheck })
      show(context, command, report, renderVerdict)
      const isMisconfigured = report.checks.some(({ name, status }) => name === 'configuration' && status === 'red')
      if (isMisconfigured) context.exitWith(exitCodes.usage)
    })
}
