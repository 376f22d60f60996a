import { FhirAuthError } from '@fhir-auth/core'
import type { Command } from 'commander'
import { type CommandContext, type JsonOption, progressOf, show } from '../command-context.ts'
import { checkSettings, connect, loadKeys } from '../connection.ts'
import {
  type Check,
  type CheckStatus,
  checkDiscovery,
  checkJwks,
  checkKeys,
  checkRead,
  checkToken,
} from '../doctor-checks.ts'
import type { CommandResult } from '../finding.ts'
import { type Environment, printable, type Style } from '../output.ts'
import type { Progress } from '../progress.ts'
import { addSettingOptions } from '../setting-options.ts'
import { readSettings, type SettingOptions, type Settings } from '../settings.ts'
import { UsageError } from '../usage-error.ts'

export interface DoctorReport extends CommandResult {
  readonly checks: readonly Check[]
}

/** How a run shows itself while it goes on. */
interface DoctorObserver {
  readonly progress: Progress
  onCheck(check: Check): void
}

const TITLES: Readonly<Record<Check['name'], string>> = {
  configuration: 'Configuration',
  keys: 'Keys',
  jwks: 'Hosted JWKS',
  discovery: 'Discovery',
  token: 'Token',
  read: 'FHIR read',
}

/** Checks everything that a backend service needs, in the order in which it needs it. */
async function diagnose(
  options: SettingOptions,
  env: Environment,
  { progress, onCheck }: DoctorObserver,
): Promise<DoctorReport> {
  const checks: Check[] = []
  const add = (check: Check): void => {
    checks.push(check)
    onCheck(check)
  }
  const run = async (name: Check['name'], work: (() => Promise<Check>) | undefined, why: string): Promise<void> => {
    add(work ? await progress.step(TITLES[name], work) : skipped(name, why))
  }

  const settings = await attempt(() => readSettings(options, env))
  if (settings.error !== undefined) {
    add(red('configuration', settings.error))
    for (const name of ['keys', 'jwks', 'discovery', 'token', 'read'] as const) add(skipped(name, 'no configuration'))
    return report(checks)
  }
  const keys = await attempt(() => loadKeys(settings.value))
  // With keys that cannot be used, the rest of the configuration is not judged by them.
  const connection = await attempt(async () => {
    checkSettings(settings.value)
    return keys.error === undefined ? connect(settings.value, keys.value) : undefined
  })
  add(connection.error === undefined ? configured(settings.value) : red('configuration', connection.error))

  const keySet = keys.value
  if (keys.error === undefined)
    await run('keys', keySet && (() => checkKeys(keySet, settings.value)), 'no keys are configured')
  else add(red('keys', keys.error))
  const jwksUrl = settings.value.jwksUrl?.value
  await run('jwks', keySet && (() => checkJwks(keySet, jwksUrl)), 'no keys to look for in it')
  await run('discovery', connection.error === undefined ? () => checkDiscovery(settings.value) : undefined, 'see above')

  const connected = connection.value
  if (connected === undefined) {
    add(skipped('token', 'see above'))
    add(skipped('read', 'no token'))
    return report(checks)
  }
  const { check, accessToken } = await progress.step(TITLES.token, () => checkToken(connected))
  add(check)
  const read = accessToken === undefined ? undefined : () => checkRead(connected.client, settings.value, accessToken)
  await run('read', read, 'no token')
  return report(checks)
}

type Attempt<T> =
  | { readonly value: T; readonly error?: undefined }
  | { readonly error: string; readonly value?: undefined }

/** A fault of the configuration is a finding here, not the end. */
async function attempt<T>(work: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await work() }
  } catch (error) {
    if (error instanceof UsageError || error instanceof FhirAuthError) return { error: error.message }
    throw error
  }
}

function configured({ fhirBaseUrl, clientId, dialect }: Settings): Check {
  const summary = `${clientId?.value} at ${fhirBaseUrl?.value}, dialect ${dialect?.value ?? 'smart'}`
  return { name: 'configuration', status: 'green', summary, details: [] }
}

function red(name: Check['name'], summary: string): Check {
  return { name, status: 'red', summary, details: [] }
}

function skipped(name: Check['name'], why: string): Check {
  return { name, status: 'skipped', summary: `not checked: ${why}`, details: [] }
}

function report(checks: readonly Check[]): DoctorReport {
  return { ok: checks.every(({ status }) => status !== 'red'), checks }
}

function renderCheck({ name, status, summary, details }: Check, style: Style): string {
  const marks: Readonly<Record<CheckStatus, string>> = {
    green: style.good('ok  '),
    amber: style.warn('warn'),
    red: style.bad('FAIL'),
    skipped: style.dim('skip'),
  }
  const lines = details.map((detail) => `        ${printable(detail)}\n`)
  return `${marks[status]}  ${TITLES[name]}: ${printable(summary)}\n${lines.join('')}`
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
      .description('Check one configuration from end to end: keys, hosted JWKS, discovery, token, a FHIR read.'),
  )
    .addHelpText('after', '\nExample:\n  fhir-auth doctor --config fhir-auth.json')
    .action(async (options: SettingOptions & JsonOption, command: Command) => {
      const { stdout, style } = context
      const onCheck = (check: Check): void => {
        if (!options.json) stdout.write(renderCheck(check, style))
      }
      const progress = progressOf(context, options)
      show(context, command, await diagnose(options, context.env, { progress, onCheck }), renderVerdict)
    })
}
