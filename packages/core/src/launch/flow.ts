import type { LaunchClient } from '../client/client.ts'
import { type ClientDirectory, nearlySameBase } from '../client/client-directory.ts'
import { discover, type NeededMember } from '../discovery/discover.ts'
import { MetadataCache } from '../discovery/metadata-cache.ts'
import type { ServerMetadata } from '../discovery/server-metadata.ts'
import { FhirAuthError } from '../errors.ts'
import type { Emit } from '../events.ts'
import { ScopeSet } from '../fhir/scope-set.ts'
import {
  type AuthorizationChecks,
  type AuthorizationRequest,
  type AuthorizationRequestOptions,
  createAuthorizationRequest,
} from '../oauth/authorization-request.ts'
import { codeOfResponse } from '../oauth/authorization-response.ts'
import { exchangeCode, refreshGrant } from '../oauth/grants.ts'
import { IssuerKeys } from '../oauth/issuer-keys.ts'
import { revokeToken } from '../oauth/revocation.ts'
import type { BackChannel, ServerAccess } from '../oauth/token-request.ts'
import type { LaunchServer } from '../session/launch-server.ts'
import type { LaunchRecord } from '../session/record.ts'
import { type RecordedLaunch, type RecordSources, recordLaunch, recordRefresh } from '../session/record-launch.ts'
import { shownText } from '../shared/shown-text.ts'
import { hashedName } from '../store/sealing.ts'
import { restoreChecks } from './kept-checks.ts'
import type { PendingLogin } from './pending-login.ts'
import { type CallbackAddress, checkCallbackAddress } from './redirect-uris.ts'

export interface LaunchFlowSettings {
  readonly clients: ClientDirectory<LaunchClient>
  /** Whether to keep id_tokens, for a logout at the server. */
  readonly logoutAtServer: boolean
  readonly redirectParameterNames: ReadonlySet<string>
  /** How long a login lasts at most. */
  readonly session: { readonly lifetimeSeconds: number }
}

/** An authorization response that has passed all checks. */
export interface AcceptedAnswer {
  readonly code: string
  readonly client: LaunchClient
  readonly checks: AuthorizationChecks
}

/** The protocol of a launch, from the authorization request to refresh and revocation. It does not talk to the browser. */
export class LaunchFlow implements LaunchServer {
  readonly #settings: LaunchFlowSettings
  readonly #channel: BackChannel
  readonly #metadata: MetadataCache
  readonly #issuerKeys: IssuerKeys
  readonly #emit: Emit

  constructor(settings: LaunchFlowSettings, channel: BackChannel, emit: Emit) {
    this.#settings = settings
    this.#channel = channel
    const listed = settings.clients.listed.map((client) => ({ ...client, discovery: client.dialect.discovery }))
    this.#metadata = new MetadataCache(channel.http, channel.now, listed)
    this.#issuerKeys = new IssuerKeys(channel.http, channel.now)
    this.#emit = emit
  }

  /** @throws `unknown_issuer` if the app is not registered there; then no request is sent to that server */
  async clientAt(fhirBaseUrl: string): Promise<LaunchClient> {
    const client = await this.#settings.clients.find(fhirBaseUrl)
    if (client) return client
    const near = nearlySameBase(
      this.#settings.clients.listed.map((each) => each.fhirBaseUrl),
      fhirBaseUrl,
    )
    const hint = near === undefined ? '' : ` There is a registration with nearly the same URL: ${near}`
    throw new FhirAuthError(
      'unknown_issuer',
      `The app is not registered at ${shownText(fhirBaseUrl)}, the server that this launch names. Add it to registrations if it should be.${hint}`,
    )
  }

  /** Fetches the documents of a server, without the cache. */
  async probe(client: LaunchClient): Promise<void> {
    await discover({ ...client, discovery: client.dialect.discovery }, this.#neededOf(client), this.#channel.http)
  }

  async begin(client: LaunchClient, options: AuthorizationRequestOptions): Promise<AuthorizationRequest> {
    return createAuthorizationRequest(client, await this.#metadataOf(client), options)
  }

  /** Checks the authorization response; its login was found by the `state`. It does not use the code. */
  async accept(address: CallbackAddress, { checks: kept, isEhrLaunch }: PendingLogin): Promise<AcceptedAnswer> {
    const client = await this.clientAt(kept.fhirBaseUrl)
    const checks = await restoreChecks(kept, client, isEhrLaunch)
    // First of all: not even the error of another server's response may count.
    checkCallbackAddress(address, client.redirectUri, this.#settings.redirectParameterNames)
    return { code: codeOfResponse(address.query, checks), client, checks }
  }

  /** Exchanges the code. It can be used only once. */
  async complete({ code, client, checks }: AcceptedAnswer): Promise<LaunchRecord> {
    const sources = await this.#sourcesOf(client, checks)
    const response = await exchangeCode(code, checks, this.#accessTo(sources))
    const launchId = await launchIdOfState(checks.state)
    const endsAt = this.#channel.now() + this.#settings.session.lifetimeSeconds * 1000
    const asksForIdToken = ScopeSet.parse(checks.scope).has('openid')
    const identity = { launchId, endsAt, idToken: { nonce: checks.nonce }, asksForIdToken }
    return this.#withEvents(await recordLaunch(identity, response, sources))
  }

  async refresh(launch: LaunchRecord): Promise<LaunchRecord> {
    const sources = await this.#sourcesOf(await this.clientAt(launch.fhirBaseUrl), launch)
    const request = { refreshToken: launch.refreshToken ?? '', grantedScope: launch.scope }
    const response = await refreshGrant(request, this.#accessTo(sources))
    try {
      return this.#withEvents(await recordRefresh(launch, response, sources))
    } catch (error) {
      // The new tokens are for another person or patient, and must not be used.
      const { accessToken, refreshToken = launch.refreshToken } = response
      await this.#revokeTokens({ accessToken, refreshToken }, sources).catch(() => {})
      throw error
    }
  }

  /** Emits events for the parts of the response that were ignored. */
  #withEvents({ launch, idTokenFault, unread }: RecordedLaunch): LaunchRecord {
    const { fhirBaseUrl, clientId, launchId } = launch
    if (idTokenFault !== undefined) {
      this.#emit({ type: 'id_token_ignored', fhirBaseUrl, clientId, launchId, error: idTokenFault })
    }
    if (unread.length > 0) this.#emit({ type: 'members_ignored', fhirBaseUrl, clientId, members: unread })
    return launch
  }

  async revoke(launch: LaunchRecord): Promise<void> {
    await this.#revokeTokens(launch, await this.#sourcesOf(await this.clientAt(launch.fhirBaseUrl), launch))
  }

  async #revokeTokens(
    { accessToken, refreshToken }: Pick<LaunchRecord, 'accessToken' | 'refreshToken'>,
    sources: RecordSources,
  ): Promise<void> {
    const endpoint = sources.metadata.revocation_endpoint
    if (!endpoint) return
    const [token, hint] = refreshToken
      ? ([refreshToken, 'refresh_token'] as const)
      : ([accessToken, 'access_token'] as const)
    await revokeToken({ token, hint, endpoint }, this.#accessTo(sources))
  }

  #accessTo({ client, server }: RecordSources): ServerAccess {
    return { client, server, channel: this.#channel }
  }

  /** The URL for a logout at the server (OpenID Connect RP-Initiated Logout §2); undefined if the server has none. */
  async logoutUrl(launch: LaunchRecord, returnTo: string): Promise<string | undefined> {
    const { metadata } = await this.#sourcesOf(await this.clientAt(launch.fhirBaseUrl), launch)
    const endpoint = metadata.end_session_endpoint
    if (!endpoint) return undefined
    const parameters = new URLSearchParams({ client_id: launch.clientId, post_logout_redirect_uri: returnTo })
    if (launch.idTokenHint !== undefined) parameters.set('id_token_hint', launch.idTokenHint)
    return `${endpoint}${endpoint.includes('?') ? '&' : '?'}${parameters}`
  }

  #metadataOf(client: LaunchClient): Promise<ServerMetadata> {
    return this.#metadata.get({ ...client, discovery: client.dialect.discovery }, this.#neededOf(client))
  }

  #neededOf(client: LaunchClient): NeededMember[] {
    const needed: NeededMember[] = ['authorization_endpoint', 'token_endpoint']
    if (ScopeSet.parse(client.scope).has('openid') && client.dialect.idToken.mode !== 'ignore') {
      needed.push('issuer', 'jwks_uri')
    }
    return needed
  }

  /** Uses the token endpoint and issuer from the start of the login, even if discovery has others now. */
  async #sourcesOf(
    client: LaunchClient,
    stored: Pick<AuthorizationChecks, 'tokenEndpoint' | 'issuer'>,
  ): Promise<RecordSources> {
    const discovered = await this.#metadataOf(client)
    const { tokenEndpoint, issuer } = stored
    this.#metadata.checkKept({ ...client, discovery: client.dialect.discovery }, tokenEndpoint)
    const acceptedAlgorithms = discovered.token_endpoint_auth_signing_alg_values_supported
    return {
      client,
      metadata: issuer === undefined ? discovered : { ...discovered, issuer },
      server: { tokenEndpoint, issuer, acceptedAlgorithms },
      issuerKeys: this.#issuerKeys,
      now: this.#channel.now(),
      keepsIdToken: this.#settings.logoutAtServer,
    }
  }
}

/**
 * The id of the launch that a login with this state brings. So a browser that has this launch is the one that has logged
 * in by that state. The id opens nothing, and says nothing about the state.
 */
export async function launchIdOfState(state: string): Promise<string> {
  return (await hashedName(`launch ${state}`)).slice(0, 22)
}
