import { dirname, isAbsolute, join } from 'node:path'
import { DIALECT_NAMES } from './dialects.ts'
import { readTextFile } from './key-file.ts'
import type { Environment } from './output.ts'
import { UsageError } from './usage-error.ts'

export type SettingName =
  | 'fhirBaseUrl'
  | 'clientId'
  | 'privateJwks'
  | 'clientSecret'
  | 'scope'
  | 'dialect'
  | 'jwksUrl'
  | 'issuer'
  | 'tokenEndpoint'
  | 'redirectUri'
  | 'read'

interface SettingSource {
  /** Undefined for a secret: options are visible in the shell's history and in the list of processes. */
  readonly flag?: string
  readonly variable?: string
  readonly help: string
}

/** Everything that can be configured: by option, by `--config` file, by environment, in this order. */
export const SETTINGS: Readonly<Record<SettingName, SettingSource>> = {
  fhirBaseUrl: { flag: '--fhir-base-url <url>', variable: 'FHIR_BASE_URL', help: 'the FHIR base URL, as registered' },
  clientId: { flag: '--client-id <id>', variable: 'CLIENT_ID', help: 'the client id' },
  privateJwks: {
    flag: '--private-jwks <file>',
    variable: 'PRIVATE_JWKS',
    help: 'the private JWK Set or PEM file; the variable may hold its content',
  },
  clientSecret: { variable: 'CLIENT_SECRET', help: 'the client secret, for a client without keys' },
  scope: { flag: '--scope <scopes>', variable: 'SCOPE', help: 'scopes to ask for, separated by spaces' },
  dialect: { flag: '--dialect <name>', variable: 'DIALECT', help: `${DIALECT_NAMES.join(', ')} (default: smart)` },
  jwksUrl: { flag: '--jwks-url <url>', variable: 'JWKS_URL', help: 'the registered JWKS URL' },
  issuer: { flag: '--issuer <url>', variable: 'ISSUER', help: 'where openid-configuration is, if needed' },
  tokenEndpoint: { flag: '--token-endpoint <url>', variable: 'TOKEN_ENDPOINT', help: 'in place of discovery' },
  redirectUri: {
    flag: '--redirect-uri <url>',
    variable: 'REDIRECT_URI',
    help: 'where a login comes back to; doctor checks a login then',
  },
  read: { help: 'the FHIR read that doctor tries (default: one that the scope allows)' },
}

export interface Setting {
  readonly value: string
  /** The option, the file or the variable it comes from. */
  readonly from: string
  /** The base of relative paths in it. */
  readonly folder: string
}

export type Settings = { readonly [Name in SettingName]?: Setting }

/** Options of a command, as commander names them. */
export type SettingOptions = { readonly [Name in SettingName]?: string | undefined } & {
  readonly config?: string | undefined
}

// The record's own names, in the order of the help.
export const settingNames: readonly SettingName[] = Object.keys(SETTINGS) as SettingName[]

/**
 * Collects the settings. A named file overrides the environment, which may be meant for another system.
 *
 * @throws UsageError for a file that cannot be read or has an unknown member
 */
export async function readSettings(options: SettingOptions, env: Environment): Promise<Settings> {
  const file = options.config === undefined ? {} : await readConfigurationFile(options.config)
  const settings: { [Name in SettingName]?: Setting } = {}
  for (const name of settingNames) {
    const { flag, variable } = SETTINGS[name]
    const given = options[name]
    const inherited = variable === undefined ? undefined : env[variable]
    const setting =
      given !== undefined && flag !== undefined
        ? { value: given, from: flag.split(' ')[0] ?? '', folder: '.' }
        : (file[name] ?? (inherited ? { value: inherited, from: variable ?? '', folder: '.' } : undefined))
    if (setting) settings[name] = setting
  }
  return settings
}

async function readConfigurationFile(path: string): Promise<Settings> {
  const text = await readTextFile(path)
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    // Not the parser's message, because it quotes the text, which may contain a secret.
    throw new UsageError(`${path} is not JSON.`)
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new UsageError(`${path} is not a JSON object: { "fhirBaseUrl": "https://…", … }`)
  }
  const folder = dirname(path)
  const settings: { [Name in SettingName]?: Setting } = {}
  for (const [name, value] of Object.entries(content)) {
    if (!isSettingName(name)) {
      throw new UsageError(`${path}: "${name}" is not known. Known are ${settingNames.join(', ')}.`)
    }
    const inline = name === 'privateJwks' && typeof value === 'object' && value !== null
    if (typeof value !== 'string' && !inline) throw new UsageError(`${path}: "${name}" is not a text.`)
    settings[name] = { value: inline ? JSON.stringify(value) : String(value), from: path, folder }
  }
  return settings
}

function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name)
}

/** A path as written in a setting. */
export function pathOf({ value, folder }: Setting): string {
  return isAbsolute(value) ? value : join(folder, value)
}

/** How to set what is missing. */
export function remedyFor(name: SettingName): string {
  const { flag, variable } = SETTINGS[name]
  const ways = [flag?.split(' ')[0], variable, `"${name}" in the --config file`].filter((way) => way !== undefined)
  return `Set ${ways.join(', or ')}.`
}
