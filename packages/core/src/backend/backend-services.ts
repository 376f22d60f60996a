import { type AdapterRequest, type Answer, type FhirHandler, hasPath } from '../adapter-contract.ts'
import { jwksAnswer, problemAnswer } from '../answers.ts'
import type { Client } from '../client/registration.ts'
import { MetadataCache } from '../discovery/metadata-cache.ts'
import { requireEndpoint } from '../discovery/server-metadata.ts'
import { FhirAuthError } from '../errors.ts'
import { FhirContext, type FhirGrant } from '../fhir-context.ts'
import { clientCredentialsGrant } from '../oauth/grants.ts'
import { readLaunchContext } from '../oauth/launch-context.ts'
import type { BackChannel } from '../oauth/token-request.ts'
import { type MaybePromise, requireText } from '../options.ts'
import { ScopeSet } from '../scopes.ts'
import {
  type BackendServicesOptions,
  type BackendServicesSettings,
  checkBackendServicesOptions,
} from './backend-services-options.ts'
import { type CachedToken, TokenCache } from './token-cache.ts'

interface BackendToken extends CachedToken {
  readonly context: FhirContext
}

/** What to get a token for, where the options do not say. */
export interface BackendTarget {
  /** Needed only with several registrations. */
  fhirBaseUrl?: string | undefined
  /** Scopes for this use. Default: the registration's. */
  scope?: string | undefined
}

/**
 * Backend services: tokens for the app itself (SMART App Launch 2.2 "Backend Services"), cached and shared by all its
 * requests, and the JWKS that the authorization server fetches. Make one with {@link createBackendServices}.
 */
export class BackendServices implements FhirHandler {
  readonly kind = 'backend'
  readonly #settings: BackendServicesSettings
  readonly #channel: BackChannel
  readonly #metadata: MetadataCache
  readonly #tokens: TokenCache<BackendToken>

  constructor(options: BackendServicesOptions) {
    const settings = checkBackendServicesOptions(options)
    this.#settings = settings
    this.#channel = { http: settings.http, now: settings.now }
    this.#metadata = new MetadataCache(settings.http, settings.now)
    this.#tokens = new TokenCache(settings.now)
  }

  get paths(): readonly string[] {
    const { jwksPath } = this.#settings
    return jwksPath === undefined ? [] : [jwksPath]
  }

  handles(url: string): boolean {
    return hasPath(url, this.#settings.jwksPath)
  }

  /** Serves the public keys, with no login and no redirect, so that the server can fetch them while it decides. */
  answer(request: AdapterRequest): MaybePromise<Answer> {
    const { keys, jwksMaxAgeSeconds, now } = this.#settings
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return problemAnswer(new FhirAuthError('method_not_allowed', 'The JWKS takes GET.'), request)
    }
    const publish = () => jwksAnswer(keys?.publicJwks(now(), jwksMaxAgeSeconds) ?? { keys: [] }, jwksMaxAgeSeconds)
    const refreshing = keys?.refresh(now())
    return refreshing instanceof Promise ? refreshing.then(publish) : publish()
  }

  contextFor(_request: AdapterRequest): MaybePromise<FhirContext> {
    try {
      return this.context()
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * A context with a valid token: at once when one is cached, else after one token request, however many ask.
   *
   * @throws `invalid_option` for an empty scope, `unknown_issuer`, `discovery_failed`, `token_request_refused` and what a request can throw
   */
  context(target: BackendTarget = {}): MaybePromise<FhirContext> {
    if (target.scope !== undefined) requireText(target.scope, 'scope', 'Write what the job needs, or leave it out.')
    const client = this.#clientFor(target.fhirBaseUrl)
    return client instanceof Promise
      ? client.then((found) => this.#contextOf(found, target.scope))
      : this.#contextOf(client, target.scope)
  }

  #contextOf(client: Client, scope: string = client.scope): MaybePromise<FhirContext> {
    const token = this.#tokens.get(keyOf(client, scope), () => this.#requestToken(client, scope))
    return token instanceof Promise ? token.then(({ context }) => context) : token.context
  }

  async #requestToken(client: Client, scope: string): Promise<BackendToken> {
    const { discovery, assertion } = client.dialect
    const needed = ['token_endpoint', ...(assertion.audience === 'issuer' ? (['issuer'] as const) : [])] as const
    const metadata = await this.#metadata.get({ ...client, discovery }, needed)
    const server = {
      tokenEndpoint: requireEndpoint(metadata, 'token_endpoint'),
      issuer: metadata.issuer,
      acceptedAlgorithms: metadata.token_endpoint_auth_signing_alg_values_supported,
    }
    const response = await clientCredentialsGrant(client, scope, server, this.#channel)
    const { accessToken, expiresAt, lifetimeSeconds } = response
    // A refresh token, where a server sends one, is not used: the next token is a new grant.
    const grant: FhirGrant = {
      fhirBaseUrl: client.fhirBaseUrl,
      accessToken,
      expiresAt,
      scope: ScopeSet.parse(response.scope),
      ...readLaunchContext(response.members),
      fhirUser: undefined,
      idToken: undefined,
      launchId: undefined,
    }
    const send = this.#settings.http.fetch ?? globalThis.fetch
    const context = new FhirContext(grant, this.#tokenSource(client, scope), send)
    return { accessToken, expiresAt, lifetimeSeconds, context }
  }

  #tokenSource(client: Client, scope: string) {
    const newest = async () => (await this.#contextOf(client, scope)).accessToken
    return {
      current: newest,
      replace: (refused: string) => {
        this.#tokens.invalidate(keyOf(client, scope), refused)
        return newest()
      },
    }
  }

  #clientFor(fhirBaseUrl: string | undefined): MaybePromise<Client> {
    const { clients } = this.#settings
    const [only, ...others] = clients.listed
    if (fhirBaseUrl === undefined) {
      if (only && others.length === 0) return only
      throw new FhirAuthError(
        'unknown_issuer',
        'There are several registrations: say which with context({ fhirBaseUrl }).',
        { status: 500 },
      )
    }
    const found = clients.find(fhirBaseUrl)
    return found instanceof Promise ? found.then(known) : known(found)
  }
}

/**
 * Makes backend services, their options checked at once.
 *
 * @throws `invalid_option`, `insecure_url` naming the option and what to write instead
 */
export function createBackendServices(options: BackendServicesOptions): BackendServices {
  return new BackendServices(options)
}

/** Everything that makes a token another one: server, client, scope whatever its order. */
function keyOf({ fhirBaseUrl, clientId, scope: own }: Client, scope: string): string {
  const name = scope === own || sorted(scope) === sorted(own) ? own : sorted(scope)
  return `${fhirBaseUrl}\n${clientId}\n${name}`
}

function sorted(scope: string): string {
  return [...ScopeSet.parse(scope)].sort().join(' ')
}

function known(client: Client | undefined): Client {
  if (client) return client
  throw new FhirAuthError('unknown_issuer', 'There is no registration for this fhirBaseUrl.', { status: 500 })
}
