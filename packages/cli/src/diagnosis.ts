import { FhirAuthError, type KeySet } from '@fhir-auth/core'
import { probeAuthorization } from './authorize-probe.ts'
import type { Check } from './check.ts'
import { type Connection, checkSettings, connect, connectLogin, isLogin, loadKeys } from './connection.ts'
import { checkDiscovery, checkJwks, checkKeys, checkRead, checkToken } from './doctor-checks.ts'
import type { CommandResult } from './finding.ts'
import { checkIssuer, checkRedirect, loginMetadata } from './login-checks.ts'
import type { Environment } from './output.ts'
import type { Progress } from './progress.ts'
import { readSettings, type SettingOptions, type Settings } from './settings.ts'
import { UsageError } from './usage-error.ts'

export type DoctorOptions = SettingOptions & { readonly with?: readonly string[] | undefined }

export interface DoctorReport extends CommandResult {
  readonly checks: readonly Check[]
}

/** How a run shows itself while it goes on. */
export interface DoctorObserver {
  readonly progress: Progress
  onCheck(check: Check): void
}

export const CHECK_TITLES: Readonly<Record<Check['name'], string>> = {
  configuration: 'Configuration',
  redirect: 'Redirect URI',
  keys: 'Keys',
  jwks: 'Hosted JWKS',
  discovery: 'Discovery',
  issuer: 'Issuer',
  authorize: 'Authorization',
  token: 'Token',
  read: 'FHIR read',
}

/** What the checks of one run have in common. */
interface Run {
  readonly settings: Settings
  /** The app's other registrations. */
  readonly others: readonly Settings[]
  readonly keys: Attempt<KeySet | undefined>
  /** Adds the check that the work makes, or says why it was left out. */
  step(name: Check['name'], work: (() => Promise<Check> | Check) | undefined, why?: string): Promise<Check>
}

/** Checks everything that a system or a login needs, in the order in which it needs it. */
export async function diagnose(
  options: DoctorOptions,
  env: Environment,
  { progress, onCheck }: DoctorObserver,
): Promise<DoctorReport> {
  const checks: Check[] = []
  const step: Run['step'] = async (name, work, why = 'see above') => {
    const check = work ? await progress.step(CHECK_TITLES[name], async () => work()) : skipped(name, why)
    checks.push(check)
    onCheck(check)
    return check
  }
  const read = await attempt(async () => ({
    settings: await readSettings(options, env),
    others: await Promise.all((options.with ?? []).map((config) => readSettings({ config }, {}))),
  }))
  if (read.error !== undefined) {
    const { message } = read.error
    await step('configuration', () => red('configuration', message))
    for (const name of ['keys', 'jwks', 'discovery', 'token', 'read'] as const) await step(name, undefined)
  } else {
    const { settings } = read.value
    const run = { ...read.value, step, keys: await attempt(() => loadKeys(settings)) }
    await (isLogin(settings) ? checkLogin(run) : checkSystem(run))
  }
  return { ok: checks.every(({ status }) => status !== 'red'), checks }
}

async function checkSystem(run: Run): Promise<void> {
  const { settings, keys, step } = run
  const { isGood, connection } = await configure(run, () => connect(settings, keys.value))
  await checkOwnKeys(run, isGood)
  await step('discovery', isGood ? () => checkDiscovery(settings, keys.value) : undefined)
  const token: { access?: string | undefined } = {}
  const getToken = async (found: Connection): Promise<Check> => {
    const { check, accessToken } = await checkToken(found)
    token.access = accessToken
    return check
  }
  await step('token', connection && (() => getToken(connection)))
  const { access } = token
  const canRead = connection && access !== undefined
  await step('read', canRead ? () => checkRead(connection.client, settings, access) : undefined, 'no token')
}

async function checkLogin(run: Run): Promise<void> {
  const { settings, others, keys, step } = run
  const { isGood, connection: client } = await configure(run, () => connectLogin(settings, keys.value))
  const redirect = await step('redirect', () => checkRedirect(settings, others))
  await checkOwnKeys(run, isGood)
  await step('discovery', isGood ? () => checkDiscovery(settings, keys.value) : undefined)
  const metadata = client && (await loginMetadata(client))
  await step('issuer', metadata && (() => checkIssuer(client, metadata)))
  const canAsk = metadata?.authorization_endpoint !== undefined && redirect.status !== 'red'
  await step('authorize', canAsk && client ? () => probeAuthorization(client, metadata) : undefined)
  await step('token', undefined, 'a person must log in for it')
}

/** With keys that cannot be used, the rest of the configuration is not judged by them. */
async function configure<C>(
  { settings, keys, step }: Run,
  connectWith: () => C,
): Promise<{ isGood: boolean; connection: C | undefined }> {
  const { error, value } = await attempt(async () => {
    checkSettings(settings)
    // A file that is not there is a fault of the configuration; what is wrong in it is one of the keys.
    if (keys.error instanceof UsageError) throw keys.error
    return keys.error === undefined ? { connection: connectWith() } : { connection: undefined }
  })
  await step('configuration', () => (error ? red('configuration', error.message) : configured(settings)))
  return { isGood: error === undefined, connection: value?.connection }
}

/** @param mayAsk - whether the hosted set is asked for: with a wrong configuration nothing is sent */
async function checkOwnKeys({ settings, keys, step }: Run, mayAsk: boolean): Promise<void> {
  const { value: keySet, error } = keys
  if (error instanceof UsageError) await step('keys', undefined)
  else if (error !== undefined) await step('keys', () => red('keys', error.message))
  else await step('keys', keySet && (() => checkKeys(keySet, settings)), 'no keys are configured')
  const ask = keySet && mayAsk ? () => checkJwks(keySet, settings.jwksUrl?.value) : undefined
  await step('jwks', ask, keySet ? 'see above' : 'no keys to look for in it')
}

type Attempt<T> =
  | { readonly value: T; readonly error?: undefined }
  | { readonly error: UsageError | FhirAuthError; readonly value?: undefined }

/** A fault of the configuration is a finding here, not the end. */
async function attempt<T>(work: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await work() }
  } catch (error) {
    if (error instanceof UsageError || error instanceof FhirAuthError) return { error }
    throw error
  }
}

function configured(settings: Settings): Check {
  const { fhirBaseUrl, clientId, dialect } = settings
  const kind = isLogin(settings) ? ', a login' : ''
  const summary = `${clientId?.value} at ${fhirBaseUrl?.value}, dialect ${dialect?.value ?? 'smart'}${kind}`
  return { name: 'configuration', status: 'green', summary, details: [] }
}

function red(name: Check['name'], summary: string): Check {
  return { name, status: 'red', summary, details: [] }
}

function skipped(name: Check['name'], why: string): Check {
  return { name, status: 'skipped', summary: `not checked: ${why}`, details: [] }
}
