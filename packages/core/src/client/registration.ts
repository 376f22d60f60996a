import { completeDialect } from '../dialects/define-dialect.ts'
import type { ClientUse, Dialect } from '../dialects/dialect.ts'
import { smart } from '../dialects/smart.ts'
import { checkSecureUrl } from '../http/secure-url.ts'
import {
  checkedByReader,
  exactText,
  flag,
  group,
  type OptionRule,
  type OptionRules,
  optionalText,
  readOptions,
  refuseOption,
  requireExactText,
  requireScope,
  textList,
} from '../options.ts'
import type { Client } from './client.ts'
import type { ClientAuth } from './client-auth.ts'
import { STATIC_METADATA_RULES, type StaticMetadata } from './static-metadata.ts'

/** The app as registered at one FHIR server. */
export interface Registration {
  /** The FHIR base URL, exactly as registered. It is sent as `aud` without any change, including a trailing slash. */
  fhirBaseUrl: string
  clientId: string | undefined
  /** Client authentication. Default for a launch: `publicClient()`. */
  clientAuth?: ClientAuth | undefined
  /** Where this server differs from SMART App Launch 2.2. Default: `smart()`. */
  dialect?: Dialect | undefined
  /** The scopes to request, separated by spaces. */
  scope?: string | undefined
  /**
   * Where the server sends the person back, exactly as registered. Launch only. Each registration may have its own path
   * and query, at the same origin. A callback must arrive at the redirect URI of its login (RFC 9700 §4.4.2.2).
   */
  redirectUri?: string | undefined
  metadata?: StaticMetadata | undefined
  /**
   * Further URL prefixes of this server that may get the token from `fhir.fetch`, such as the folder of a bulk export's
   * files. Each must be https, and covers all URLs below it. Default: only the FHIR base URL.
   */
  tokenUrls?: readonly string[] | undefined
  /**
   * Allows endpoints in a private network (RFC 1918 and the like), although the FHIR base URL is public. Default false: a
   * public server must not direct the app's requests to a host behind the firewall.
   */
  allowPrivateNetwork?: boolean | undefined
}

/** How a flow uses a registration. */
export interface RegistrationUse {
  readonly flow: ClientUse['flow']
  /** The client authentication of a registration without one. */
  readonly defaultAuth: () => ClientAuth
  /** The name of the registration in messages. Default `registration`. */
  readonly owner?: string | undefined
}

/** A registration after its values were read by their rules. */
interface ReadRegistration extends Registration {
  clientId: string
  dialect: Dialect
  scope: string
  metadata: StaticMetadata
}

const SCOPE_REMEDY: Readonly<Record<ClientUse['flow'], string>> = {
  launch: "Write what the app needs, e.g. 'openid fhirUser launch/patient patient/*.rs'.",
  backend: "Write what the job needs, e.g. 'system/Patient.rs'.",
}

/** The rules for the members of a registration. Options of the same kind elsewhere use them too. */
export const REGISTRATION_RULES: OptionRules<ReadRegistration> = {
  fhirBaseUrl: readFhirBaseUrl,
  clientId: exactText('Set the environment variable that you read it from to the client id given at registration.'),
  clientAuth: readClientAuth,
  dialect: readDialect,
  scope: scopeRule('launch'),
  redirectUri: optionalText,
  metadata: group(STATIC_METADATA_RULES),
  tokenUrls: readTokenUrls,
  allowPrivateNetwork: flag(false),
}

/** Rules for a registration inside the options of a flow. {@link checkRegistration} checks the values. */
export const REGISTRATION_OPTIONS: OptionRules<Partial<Registration>> = {
  fhirBaseUrl: checkedByReader(),
  clientId: checkedByReader(),
  clientAuth: checkedByReader(),
  dialect: checkedByReader(),
  scope: checkedByReader(),
  redirectUri: checkedByReader(),
  metadata: checkedByReader(),
  tokenUrls: checkedByReader(),
  allowPrivateNetwork: checkedByReader(),
}

/**
 * Checks one registration.
 *
 * @throws `invalid_option`, `insecure_url` naming the option and the remedy
 */
export function checkRegistration(registration: Registration, use: RegistrationUse): Client {
  const { flow, defaultAuth, owner = 'registration' } = use
  const rules = { ...REGISTRATION_RULES, scope: scopeRule(flow) }
  const read = readOptions(registration, rules, owner)
  const { fhirBaseUrl, clientId, clientAuth = defaultAuth(), dialect, scope, allowPrivateNetwork } = read
  clientAuth.checkClientId?.(clientId)
  dialect.check({ flow, authMethod: clientAuth.method, scope })
  const metadata = Object.freeze({ ...registration.metadata })
  const tokenUrls = read.tokenUrls && Object.freeze([...read.tokenUrls])
  return Object.freeze({ fhirBaseUrl, clientId, clientAuth, dialect, scope, metadata, tokenUrls, allowPrivateNetwork })
}

function scopeRule(flow: ClientUse['flow']): OptionRule<string> {
  return (value, option) => requireScope(value, option, SCOPE_REMEDY[flow])
}

function readFhirBaseUrl(value: unknown, option: string): string {
  return requireBaseUrl(value, option, "Write the server's FHIR base URL, e.g. 'https://fhir.example.com/r4'.")
}

function readTokenUrls(value: unknown, option: string): readonly string[] | undefined {
  return textList(value, option)?.map((url, index) => {
    const place = `${option}[${index}]`
    requireBaseUrl(url, place, "Write a URL, e.g. 'https://fhir.example.com/files'.")
    if (new URL(url).hostname.includes('*')) refuseOption(`${place} has a wildcard in its host. Write each host out.`)
    return url
  })
}

/** A URL such that all URLs below it get the token. */
function requireBaseUrl(value: unknown, option: string, remedy: string): string {
  const url = requireExactText(value, option, remedy)
  const base = checkSecureUrl(url, option)
  if (base.search || base.hash) refuseOption(`${option} must have no query and no fragment.`)
  if (base.username || base.password) refuseOption(`${option} must have no user name or password in it.`)
  return url
}

function readClientAuth(value: unknown, option: string): ClientAuth | undefined {
  if (value === undefined || hasMethod<ClientAuth>(value, 'authenticate')) return value
  return refuseOption(
    `${option} must come from clientSecretBasic(), clientSecretPost(), privateKeyJwt() or publicClient().`,
  )
}

function readDialect(value: unknown = smart(), option: string): Dialect {
  if (hasMethod<Dialect>(value, 'check')) return completeDialect(value)
  return refuseOption(
    `${option} must be a dialect: smart(), that of a vendor such as epic(), or one made with defineDialect().`,
  )
}

/** One method is enough to recognise these values. */
function hasMethod<Value>(value: unknown, name: keyof Value): value is Value {
  return typeof (value as Value | null)?.[name] === 'function'
}
