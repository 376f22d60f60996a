import { readFile } from 'node:fs/promises'
import {
  type ClientAuth,
  clientSecretBasic,
  type Dialect,
  type KeySet,
  privateKeyJwt,
  publicClient,
} from '@fhir-auth/core'
import { type Client, checkRegistration, type LaunchClient } from '@fhir-auth/core/protocol'
import { dialectNamed } from './dialects.ts'
import { loadKeyText } from './key-file.ts'
import { pathOf, remedyFor, type Setting, type SettingName, type Settings, settingNames } from './settings.ts'
import { UsageError } from './usage-error.ts'

/** A client as configured, ready to request a token. */
export interface Connection {
  readonly client: Client
  readonly jwksUrl: string | undefined
  /** The settings, and where each comes from. */
  readonly settings: ShownSettings
  /** Secrets, which no output may show. */
  readonly secrets: readonly string[]
}

/** Whether a person logs in, and not a system. */
export function isLogin({ redirectUri }: Settings): boolean {
  return redirectUri !== undefined
}

/** The settings that every connection needs. */
export interface RequiredSettings {
  readonly fhirBaseUrl: string
  readonly clientId: string
  readonly scope: string
  readonly dialect: Dialect
}

/** The settings for the output. Of a secret and a key, only the source is shown. */
export type ShownSettings = Readonly<Record<string, { readonly value: string; readonly from: string }>>

/**
 * Loads the private keys, if there are any.
 *
 * @throws UsageError, FhirAuthError `invalid_key`
 */
export async function loadKeys({ privateJwks }: Settings): Promise<KeySet | undefined> {
  if (privateJwks === undefined) return undefined
  const fromBase64 = Buffer.from(privateJwks.value, 'base64').toString()
  const text = [privateJwks.value, fromBase64].find((form) => /^\s*(?:\{|-----BEGIN)/.test(form))
  if (text !== undefined) return loadKeyText(text, privateJwks.from)
  const path = pathOf(privateJwks)
  return loadKeyText(await readNamedFile(path, privateJwks), path)
}

/** The message does not repeat the name, because it may be a key in an unexpected form, such as hexadecimal. */
async function readNamedFile(path: string, { from, folder }: Setting): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    const place = folder === '.' ? '' : ` in ${folder}`
    throw new UsageError(
      `privateJwks (from ${from}) is neither a private JWK, JWK Set or PEM (as it is, or in base64), nor the name of a file${place} that can be read.`,
    )
  }
}

/**
 * Checks the settings as backend services would.
 *
 * @throws UsageError, FhirAuthError `invalid_option`, `insecure_url`
 */
export function connect(settings: Settings, keys: KeySet | undefined): Connection {
  const { fhirBaseUrl, clientId, scope, dialect } = checkSettings(settings)
  const { clientSecret } = settings
  const jwksUrl = settings.jwksUrl?.value
  const client = checkRegistration(
    {
      fhirBaseUrl,
      clientId,
      scope,
      dialect,
      clientAuth: keys ? privateKeyJwt(keys) : clientSecretBasic(clientSecret?.value),
      metadata: { token_endpoint: settings.tokenEndpoint?.value },
    },
    { flow: 'backend', defaultAuth: () => privateKeyJwt(keys) },
  )
  return { client, jwksUrl, settings: shownSettings(settings), secrets: clientSecret ? [clientSecret.value] : [] }
}

/**
 * Checks the settings as a launch would, all but the form of the redirect URI.
 *
 * @throws UsageError, FhirAuthError `invalid_option`, `insecure_url`
 */
export function connectLogin(settings: Settings, keys: KeySet | undefined): LaunchClient {
  const { fhirBaseUrl, clientId, scope, dialect } = checkSettings(settings)
  const { clientSecret, redirectUri, tokenEndpoint } = settings
  const defaultAuth = (): ClientAuth => {
    if (keys) return privateKeyJwt(keys)
    return clientSecret ? clientSecretBasic(clientSecret.value) : publicClient()
  }
  const metadata = { token_endpoint: tokenEndpoint?.value }
  const client = checkRegistration({ fhirBaseUrl, clientId, scope, dialect, metadata }, { flow: 'launch', defaultAuth })
  return { ...client, redirectUri: redirectUri?.value ?? '' }
}

/**
 * Checks what can be checked without the keys.
 *
 * @throws UsageError that says how to set what is missing
 */
export function checkSettings(settings: Settings): RequiredSettings {
  const required = (name: SettingName): string => {
    const value = settings[name]?.value
    if (value === undefined || value.trim() === '') throw new UsageError(`There is no ${name}. ${remedyFor(name)}`)
    return value
  }
  const fhirBaseUrl = required('fhirBaseUrl')
  const clientId = required('clientId')
  const scope = required('scope')
  const { clientSecret, privateJwks } = settings
  if (privateJwks === undefined && clientSecret === undefined && !isLogin(settings)) {
    throw new UsageError(
      `There is neither a key nor a secret. ${remedyFor('privateJwks')} For a client with a secret: ${remedyFor('clientSecret')}`,
    )
  }
  const jwksUrl = settings.jwksUrl?.value
  const dialectName = settings.dialect?.value ?? 'smart'
  if (dialectName === 'intelichart' && privateJwks !== undefined && jwksUrl === undefined) {
    throw new UsageError(`InteliChart wants the registered JWKS URL in the assertion. ${remedyFor('jwksUrl')}`)
  }
  const dialect = dialectNamed(dialectName, { jwksUrl, issuer: settings.issuer?.value })
  return { fhirBaseUrl, clientId, scope, dialect }
}

function shownSettings(settings: Settings): ShownSettings {
  const hidden: readonly SettingName[] = ['clientSecret', 'privateJwks']
  return Object.fromEntries(
    settingNames.flatMap((name) => {
      const setting = settings[name]
      if (setting === undefined) return []
      return [[name, { value: hidden.includes(name) ? '[not shown]' : setting.value, from: setting.from }]]
    }),
  )
}
