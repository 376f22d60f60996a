import type { Client } from '../client/client.ts'
import { type ClientAuth, publicClient } from '../client/client-auth.ts'
import { REGISTRATION_RULES } from '../client/registration.ts'
import type { StaticMetadata } from '../client/static-metadata.ts'
import type { Dialect } from '../dialects/dialect.ts'
import { discover } from '../discovery/discover.ts'
import { requireEndpoint } from '../discovery/server-metadata.ts'
import { FhirAuthError } from '../errors.ts'
import type { FhirUser, LaunchContext } from '../fhir/fhir-grant.ts'
import { ScopeSet } from '../fhir/scope-set.ts'
import { shownUrl } from '../http/secure-url.ts'
import { HTTP_OPTIONS, type HttpOptions, onceMoreAfterReset } from '../http/send-bounded.ts'
import {
  clock,
  type OptionRules,
  type OptionValues,
  optionalText,
  readOptions,
  refuseOption,
  requireText,
} from '../options.ts'
import { wholeSeconds } from '../shared/whole-seconds.ts'
import { fhirUserOf } from './fhir-user.ts'
import { readLaunchContext } from './launch-context.ts'
import { askAuthenticated } from './token-request.ts'

/** Which server to ask, and how to authenticate: as a client, or with an access token of the app. */
export interface IntrospectionOptions extends HttpOptions {
  fhirBaseUrl: string
  clientId?: string | undefined
  /** Client authentication (RFC 7662 §2.1). */
  clientAuth?: ClientAuth | undefined
  /** Instead of client authentication (SMART App Launch 2.2 "Token Introspection"), e.g. a backend service's token. */
  accessToken?: string | undefined
  dialect?: Dialect | undefined
  /** If it has `introspection_endpoint` and `token_endpoint`, there is no discovery. */
  metadata?: StaticMetadata | undefined
  /** The clock, in milliseconds since the epoch. Default `Date.now`. */
  now?: (() => number) | undefined
}

/** What a server says about a token. About an inactive one it says nothing else. */
export type TokenIntrospection = { readonly active: false } | ActiveToken

export interface ActiveToken {
  readonly active: true
  readonly scope: ScopeSet
  readonly clientId: string | undefined
  /** In milliseconds since the epoch. Do not treat the token as active after that. */
  readonly expiresAt: number | undefined
  readonly patient: string | undefined
  readonly encounter: string | undefined
  /** Together with `sub`, it identifies a person. */
  readonly iss: string | undefined
  readonly sub: string | undefined
  readonly fhirUser: FhirUser | undefined
  /** The launch context under its wire names, and every other member of the response. */
  readonly launch: LaunchContext
}

const { fhirBaseUrl, clientAuth, dialect, metadata } = REGISTRATION_RULES
const OPTIONS = {
  fhirBaseUrl,
  clientId: optionalText,
  clientAuth,
  accessToken: optionalText,
  dialect,
  metadata,
  ...HTTP_OPTIONS,
  now: clock,
} satisfies OptionRules<IntrospectionOptions>

/**
 * Asks the authorization server about a token (RFC 7662). The response is not cached.
 *
 * @throws `invalid_option`, `missing_endpoint` if the server has no introspection, `token_request_refused`,
 *   `invalid_response`, and the errors of discovery and of a request. An error never means "inactive".
 */
export async function introspectToken(token: string, options: IntrospectionOptions): Promise<TokenIntrospection> {
  const asked = requireText(token, 'introspectToken(token)', 'Pass the token to ask about.')
  const given = readOptions(options, OPTIONS, 'introspectToken()')
  const { fetch, timeoutSeconds, now } = given
  const client = clientOf(given)
  const http: HttpOptions = { fetch, timeoutSeconds }
  const target = { ...client, discovery: client.dialect.discovery }
  const { metadata } = await discover(target, ['token_endpoint'], http)
  const introspectionEndpoint = requireEndpoint(metadata, 'introspection_endpoint')
  const server = {
    tokenEndpoint: requireEndpoint(metadata, 'token_endpoint'),
    issuer: metadata.issuer,
    acceptedAlgorithms: metadata.token_endpoint_auth_signing_alg_values_supported,
  }
  const { active, ...members } = await onceMoreAfterReset(() =>
    askAuthenticated('active', {
      client,
      server,
      url: introspectionEndpoint,
      parameters: new URLSearchParams({ token: asked }),
      grantType: 'client_credentials',
      channel: { http, now, purpose: 'introspection' },
    }),
  )
  if (typeof active !== 'boolean') {
    throw new FhirAuthError(
      'invalid_response',
      `${shownUrl(introspectionEndpoint)} does not say whether the token is active.`,
    )
  }
  return active ? readActiveToken(members, client) : Object.freeze({ active })
}

function clientOf(given: OptionValues<typeof OPTIONS>): Client {
  const { fhirBaseUrl, clientId, clientAuth = publicClient(), accessToken, dialect, metadata } = given
  if (accessToken !== undefined) {
    if (given.clientAuth) refuseOption('introspectToken() takes accessToken or clientAuth, not both (RFC 6749 §2.3).')
    return { fhirBaseUrl, clientId: '', clientAuth: bearerAuth(accessToken), dialect, scope: '', metadata }
  }
  const id = requireText(clientId, 'clientId', 'Give clientId and clientAuth, or an accessToken of your own.')
  return { fhirBaseUrl, clientId: id, clientAuth, dialect, scope: '', metadata }
}

function bearerAuth(token: string): ClientAuth {
  return {
    method: 'none',
    authenticate({ headers }) {
      headers.authorization = `Bearer ${token}`
    },
    secrets: () => [token],
  }
}

function readActiveToken(members: Record<string, unknown>, client: Client): ActiveToken {
  const { scope, client_id, exp, ...others } = members
  const { fhirUser: _fhirUser, iss, sub, ...context } = others
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  const { patient, encounter, launch } = readLaunchContext(context)
  const expiresAt = wholeSeconds(typeof exp === 'string' && exp.trim() !== '' ? Number(exp) : exp)
  const scopes = [...ScopeSet.parse(text(scope))].map(client.dialect.scopes.decode)
  return Object.freeze({
    active: true,
    scope: ScopeSet.parse(scopes),
    clientId: text(client_id),
    expiresAt: expiresAt === undefined ? undefined : expiresAt * 1000,
    iss: text(iss),
    sub: text(sub),
    fhirUser: fhirUserOf({ iss: '', sub: '', ...others }, client.fhirBaseUrl),
    patient,
    encounter,
    launch,
  })
}
