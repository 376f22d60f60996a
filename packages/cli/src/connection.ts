import { type Client, checkRegistration, clientSecretBasic, type KeySet, privateKeyJwt } from '@fhir-auth/core'
import { dialectNamed } from './dialects.ts'
import { loadKeyText, readTextFile } from './key-file.ts'
import { pathOf, remedyFor, type SettingName, type Settings, settingNames } from './settings.ts'
import { UsageError } from './usage-error.ts'

/** A client as configured, ready to ask for a token. */
export interface Connection {
  readonly client: Client
  readonly jwksUrl: string | undefined
  /** What no output may show. */
  readonly secrets: readonly string[]
}

/**
 * Loads the private keys, where there are any.
 *
 * @throws UsageError, FhirAuthError `invalid_key`
 */
export async function loadKeys({ privateJwks }: Settings): Promise<KeySet | undefined> {
  if (privateJwks === undefined) return undefined
  // A variable may hold the keys themselves; one line, so that a message can tell a name from a key.
  if (/^\s*(?:\{|-----BEGIN)/.test(privateJwks.value)) return loadKeyText(privateJwks.value, privateJwks.from)
  if (!/^[^\n]{1,1000}$/.test(privateJwks.value.trim())) {
    throw new UsageError(`${privateJwks.from} is neither a key nor the name of a file.`)
  }
  const path = pathOf(privateJwks)
  return loadKeyText(await readTextFile(path), path)
}

/**
 * Checks the settings as backend services would.
 *
 * @throws UsageError, FhirAuthError `invalid_option`, `insecure_url`
 */
export function connect(settings: Settings, keys: KeySet | undefined): Connection {
  const required = (name: SettingName): string => {
    const value = settings[name]?.value
    if (value === undefined || value.trim() === '') throw new UsageError(`There is no ${name}. ${remedyFor(name)}`)
    return value
  }
  const fhirBaseUrl = required('fhirBaseUrl')
  const clientId = required('clientId')
  const scope = required('scope')
  const { clientSecret } = settings
  if (keys === undefined && clientSecret === undefined) {
    throw new UsageError(
      `There is neither a key nor a secret. ${remedyFor('privateJwks')} For a client with a secret: ${remedyFor('clientSecret')}`,
    )
  }
  const jwksUrl = settings.jwksUrl?.value
  const dialectName = settings.dialect?.value ?? 'smart'
  if (dialectName === 'intelichart' && keys !== undefined && jwksUrl === undefined) {
    throw new UsageError(`InteliChart wants the registered JWKS URL in the assertion. ${remedyFor('jwksUrl')}`)
  }
  const client = checkRegistration(
    {
      fhirBaseUrl,
      clientId,
      scope,
      dialect: dialectNamed(dialectName, { jwksUrl, issuer: settings.issuer?.value }),
      clientAuth: keys ? privateKeyJwt(keys) : clientSecretBasic(clientSecret?.value),
      metadata: { token_endpoint: settings.tokenEndpoint?.value },
    },
    'backend',
    () => privateKeyJwt(keys),
  )
  return { client, jwksUrl, secrets: clientSecret ? [clientSecret.value] : [] }
}

/** The settings fit to be shown: a secret and a key only by where they are from. */
export function shownSettings(settings: Settings): Record<string, { value: string; from: string }> {
  const hidden: readonly SettingName[] = ['clientSecret', 'privateJwks']
  return Object.fromEntries(
    settingNames.flatMap((name) => {
      const setting = settings[name]
      if (setting === undefined) return []
      return [[name, { value: hidden.includes(name) ? '[not shown]' : setting.value, from: setting.from }]]
    }),
  )
}
