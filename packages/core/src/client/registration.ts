import type { ClientUse, Dialect } from '../dialects/dialect.ts'
import { smart } from '../dialects/smart.ts'
import { checkSecureUrl } from '../http.ts'
import { checkKnownOptions, type MaybePromise, refuseOption, requireText } from '../options.ts'
import type { ClientAuth } from './client-auth.ts'

/** Endpoints and facts of a server that win over whatever discovery finds. */
export interface StaticMetadata {
  issuer?: string | undefined
  authorization_endpoint?: string | undefined
  token_endpoint?: string | undefined
  jwks_uri?: string | undefined
  introspection_endpoint?: string | undefined
  revocation_endpoint?: string | undefined
  end_session_endpoint?: string | undefined
  code_challenge_methods_supported?: readonly string[] | undefined
  token_endpoint_auth_signing_alg_values_supported?: readonly string[] | undefined
}

/** The app as registered at one FHIR server. */
export interface Registration {
  /** The FHIR base URL, exactly as registered: it is sent to the letter as `aud`, trailing slash included. */
  fhirBaseUrl: string
  clientId: string | undefined
  /** How the client proves who it is. Default for a launch: `publicClient()`. */
  clientAuth?: ClientAuth | undefined
  /** What this server does otherwise than SMART App Launch 2.2. Default: `smart()`. */
  dialect?: Dialect | undefined
  /** Space-separated scopes to ask for. */
  scope?: string | undefined
  /** Where the server sends the person back, exactly as registered. Launch only. */
  redirectUri?: string | undefined
  metadata?: StaticMetadata | undefined
}

/** A registration that passed every check; what the flows work with. */
export interface Client {
  readonly fhirBaseUrl: string
  readonly clientId: string
  readonly clientAuth: ClientAuth
  readonly dialect: Dialect
  readonly scope: string
  readonly metadata: StaticMetadata
}

const METADATA_MEMBERS: readonly (keyof StaticMetadata)[] = [
  'issuer',
  'authorization_endpoint',
  'token_endpoint',
  'jwks_uri',
  'introspection_endpoint',
  'revocation_endpoint',
  'end_session_endpoint',
  'code_challenge_methods_supported',
  'token_endpoint_auth_signing_alg_values_supported',
]

export const REGISTRATION_OPTIONS: readonly string[] = [
  'fhirBaseUrl',
  'clientId',
  'clientAuth',
  'dialect',
  'scope',
  'redirectUri',
  'metadata',
]

/**
 * Checks one registration.
 *
 * @throws `invalid_option`, `insecure_url` naming the option and the remedy
 */
export function checkRegistration(
  registration: Registration,
  flow: ClientUse['flow'],
  defaultAuth: () => ClientAuth,
): Client {
  const { dialect = smart(), clientAuth = defaultAuth(), metadata = {} } = registration
  const fhirBaseUrl = requireText(
    registration.fhirBaseUrl,
    'fhirBaseUrl',
    "Write the server's FHIR base URL, e.g. 'https://fhir.example.com/r4'.",
  )
  const base = checkSecureUrl(fhirBaseUrl, 'fhirBaseUrl')
  if (base.search || base.hash) refuseOption('fhirBaseUrl must have no query and no fragment.')
  if (base.username || base.password) refuseOption('fhirBaseUrl must have no user name or password in it.')
  const clientId = requireText(
    registration.clientId,
    'clientId',
    'Set the environment variable that you read it from to the client id given at registration.',
  )
  const scope = requireText(
    registration.scope,
    'scope',
    flow === 'backend'
      ? "Write what the job needs, e.g. 'system/Patient.rs'."
      : "Write what the app needs, e.g. 'openid fhirUser launch/patient patient/*.rs'.",
  )
  if (typeof clientAuth?.authenticate !== 'function') {
    refuseOption(
      'clientAuth must come from clientSecretBasic(), clientSecretPost(), privateKeyJwt() or publicClient().',
    )
  }
  if (typeof dialect?.check !== 'function') {
    refuseOption('dialect must come from smart(), intelichart() or defineDialect().')
  }
  checkKnownOptions(metadata, METADATA_MEMBERS, 'metadata')
  for (const [name, value] of Object.entries(metadata)) {
    if (typeof value === 'string' && name !== 'issuer') checkSecureUrl(value, `metadata.${name}`)
  }
  clientAuth.checkClientId?.(clientId)
  dialect.check({ flow, authMethod: clientAuth.method, scope })
  return Object.freeze({ fhirBaseUrl, clientId, clientAuth, dialect, scope, metadata: Object.freeze({ ...metadata }) })
}

/** One registration in the options themselves, a list of them, or a function that finds one by FHIR base URL. */
export interface RegistrationSource extends Partial<Registration> {
  registrations?: readonly Registration[] | RegistrationResolver | undefined
}

/**
 * Finds the registration of a FHIR server, e.g. in a database of tenants. It is called with the `iss` of an EHR launch
 * before any request goes to that server, and must answer `undefined` for a server it does not know.
 */
export type RegistrationResolver = (fhirBaseUrl: string) => Promise<Registration | undefined>

/** All configured registrations, checked. */
export interface ClientDirectory<C extends Client> {
  /** The client at this server, compared without a trailing slash. */
  find(fhirBaseUrl: string): MaybePromise<C | undefined>
  /** Those known without asking a resolver. */
  readonly listed: readonly C[]
}

/** @throws `invalid_option` when neither one registration nor `registrations` is given, or both are, or two are of one server */
export function createClientDirectory<C extends Client>(
  source: RegistrationSource,
  owner: string,
  check: (registration: Registration) => C,
): ClientDirectory<C> {
  const { registrations } = source
  if (registrations === undefined) return listDirectory([check(source as Registration)])
  for (const name of ['fhirBaseUrl', 'clientId', 'clientAuth', 'dialect', 'metadata'] as const) {
    if (source[name] !== undefined) {
      refuseOption(`${owner}: ${name} belongs inside each entry of registrations, not beside it.`)
    }
  }
  // What is not said per server is taken from the options around the list.
  const shared = { scope: source.scope, redirectUri: source.redirectUri }
  const complete = (registration: Registration): C => {
    checkKnownOptions(registration, REGISTRATION_OPTIONS, `${owner}: registrations`)
    return check({ ...shared, ...registration })
  }
  if (typeof registrations === 'function') {
    return {
      listed: [],
      async find(fhirBaseUrl) {
        const registration = await registrations(fhirBaseUrl)
        if (!registration) return undefined
        const client = complete(registration)
        // A resolver that answers with another server's registration would send that server's credentials astray.
        return sameBase(client.fhirBaseUrl, fhirBaseUrl) ? client : undefined
      },
    }
  }
  if (!Array.isArray(registrations) || registrations.length === 0) {
    refuseOption(`${owner}: registrations must be a non-empty list, or a function from FHIR base URL to registration.`)
  }
  return listDirectory((registrations as readonly Registration[]).map(complete))
}

function listDirectory<C extends Client>(clients: readonly C[]): ClientDirectory<C> {
  const byBase = new Map(clients.map((client) => [withoutSlash(client.fhirBaseUrl), client]))
  if (byBase.size < clients.length) refuseOption('registrations: two entries have the same fhirBaseUrl.')
  return { listed: clients, find: (fhirBaseUrl) => byBase.get(withoutSlash(fhirBaseUrl)) }
}

function sameBase(a: string, b: string): boolean {
  return withoutSlash(a) === withoutSlash(b)
}

function withoutSlash(url: string): string {
  return url.endsWith('/') ? url.slice(0, -1) : url
}
