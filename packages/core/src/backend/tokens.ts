import type { Client } from '../client/client.ts'
import { MetadataCache } from '../discovery/metadata-cache.ts'
import { requireEndpoint } from '../discovery/server-metadata.ts'
import { FhirAuthError } from '../errors.ts'
import { durationSince } from '../events.ts'
import { FhirContext } from '../fhir/fhir-context.ts'
import type { TokenSource } from '../fhir/fhir-fetch.ts'
import type { FhirGrant } from '../fhir/fhir-grant.ts'
import { ScopeSet } from '../fhir/scope-set.ts'
import { type LastOutcomes, OutcomeLog, type TokenHealth } from '../health.ts'
import { clientCredentialsGrant } from '../oauth/grants.ts'
import { readLaunchContext } from '../oauth/launch-context.ts'
import type { TokenResponse } from '../oauth/token-response.ts'
import { refuseOption } from '../options.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'
import { setProblemSettings } from '../web/problem-settings.ts'
import type { BackendServicesSettings } from './options.ts'
import { SharedTokens } from './shared-tokens.ts'
import { asTokenFailure, type NewToken, TokenCache, type TokenSlot } from './token-cache.ts'

export interface TokenUse {
  readonly fhirBaseUrl: string | undefined
  readonly scope: string | undefined
  /** Gets work that runs in the background. */
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined
}

type TokenPlace = Omit<TokenHealth, keyof LastOutcomes>

/** The tokens of an app at all its servers, each in a context. */
export class BackendTokens {
  readonly #settings: BackendServicesSettings
  readonly #metadata: MetadataCache
  readonly #cache: TokenCache<FhirContext>
  readonly #shared: SharedTokens | undefined
  readonly #health: OutcomeLog<TokenPlace>
  readonly #storeHealth: OutcomeLog<object>
  readonly #underWay = new Set<Promise<unknown>>()
  #lastUse: { readonly client: Client; readonly scope: string; readonly slot: TokenSlot<FhirContext> } | undefined

  constructor(settings: BackendServicesSettings) {
    const { http, now, sharedTokens, timeoutSeconds, emit } = settings
    this.#settings = settings
    const listed = settings.clients.listed.map((client) => ({ ...client, discovery: client.dialect.discovery }))
    this.#metadata = new MetadataCache(http, now, listed)
    this.#cache = new TokenCache(now)
    this.#health = new OutcomeLog(now)
    this.#storeHealth = new OutcomeLog(now)
    const onFailure = (error: FhirAuthError) => {
      this.#storeHealth.note('store', {}, error)
      emit({ type: 'store_failed', error })
    }
    this.#shared = sharedTokens && new SharedTokens({ ...sharedTokens, timeoutSeconds, now, onFailure })
  }

  /** What is known of each token that was requested. */
  health(): { readonly tokens: TokenHealth[]; readonly store: LastOutcomes } {
    return { tokens: this.#health.all(), store: this.#storeHealth.get('store') ?? {} }
  }

  /** Resolves when no token request is running here any more. Never rejects. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay)
  }

  /** @throws as {@link BackendServices.context} */
  context({ fhirBaseUrl, scope, waitUntil }: TokenUse): MaybePromise<FhirContext> {
    const client = this.#clientFor(fhirBaseUrl)
    return client instanceof Promise
      ? client.then((found) => this.#contextOf(found, scope, waitUntil))
      : this.#contextOf(client, scope, waitUntil)
  }

  #contextOf(
    client: Client,
    scope: string = client.scope,
    waitUntil?: TokenUse['waitUntil'],
  ): MaybePromise<FhirContext> {
    const slot = this.#slotFor(client, scope)
    return slot.ready() ?? slot.get((outworn) => this.#requestToken(client, scope, outworn), waitUntil)
  }

  /** Remembers the last slot, because most calls need the same token as the call before. */
  #slotFor(client: Client, scope: string): TokenSlot<FhirContext> {
    const lastUse = this.#lastUse
    if (lastUse !== undefined && lastUse.client === client && lastUse.scope === scope) return lastUse.slot
    const slot = this.#cache.slot(keyOf(client, scope))
    this.#lastUse = { client, scope, slot }
    return slot
  }

  #requestToken(client: Client, scope: string, outworn: string | undefined): Promise<NewToken<FhirContext>> {
    const work = this.#newToken(client, scope, outworn)
    const isOver = () => void this.#underWay.delete(work)
    this.#underWay.add(work)
    work.then(isOver, isOver)
    return work
  }

  async #newToken(client: Client, scope: string, outworn: string | undefined): Promise<NewToken<FhirContext>> {
    const response = await this.#response(client, scope, outworn)
    const { accessToken, expiresAt, lifetimeSeconds } = response
    // A refresh token is not used, if the server sends one: the next token comes from a new grant.
    const { patient, encounter, launch } = readLaunchContext(response.members)
    const grant: FhirGrant = {
      fhirBaseUrl: client.fhirBaseUrl,
      accessToken,
      expiresAt,
      scope: ScopeSet.parse(response.scope),
      patient,
      encounter,
      launch,
      fhirUser: undefined,
      idToken: undefined,
      launchId: undefined,
    }
    const send = this.#settings.http.fetch ?? globalThis.fetch
    const token = new FhirContext(grant, {
      tokens: this.#tokenSource(client, scope),
      send,
      tokenUrls: () => client.tokenUrls ?? [],
    })
    setProblemSettings(token, this.#settings.problems)
    return { token, expiresAt, lifetimeSeconds }
  }

  /** From the server, or from another process of the app. */
  async #response(client: Client, scope: string, outworn: string | undefined): Promise<TokenResponse> {
    const { fhirBaseUrl, clientId } = client
    const key = keyOf(client, scope)
    let isOwn = false
    const request = () => {
      isOwn = true
      return this.#watch(client, scope, this.#askServer(client, scope))
    }
    const place = { fhirBaseUrl, clientId, scope }
    try {
      const response = await (this.#shared ? this.#shared.get(key, outworn, request) : request())
      const { expiresAt, scope: granted } = response
      if (!isOwn) this.#settings.emit({ type: 'token_taken', fhirBaseUrl, clientId, scope: granted, expiresAt })
      this.#health.note(key, { ...place, expiresAt }, undefined)
      return response
    } catch (cause) {
      this.#health.note(key, place, asTokenFailure(cause))
      throw cause
    }
  }

  /** Emits an event for the server's response, with scopes that are missing or were not requested. */
  async #watch(client: Client, scope: string, answer: Promise<TokenResponse>): Promise<TokenResponse> {
    const { emit } = this.#settings
    const { fhirBaseUrl, clientId } = client
    const startedAt = performance.now()
    try {
      const response = await answer
      const granted = ScopeSet.parse(response.scope)
      const unread = [...response.unread, ...readLaunchContext(response.members).unread]
      if (unread.length > 0) emit({ type: 'members_ignored', fhirBaseUrl, clientId, members: unread })
      const [missing, extra] = [granted.missing(scope), granted.extra(scope)]
      const durationMs = durationSince(startedAt)
      const { scope: given, expiresAt } = response
      emit({ type: 'token', fhirBaseUrl, clientId, scope: given, missing, extra, expiresAt, durationMs })
      return response
    } catch (cause) {
      const error = asTokenFailure(cause)
      emit({ type: 'token_failed', fhirBaseUrl, clientId, scope, error, durationMs: durationSince(startedAt) })
      throw error
    }
  }

  async #askServer(client: Client, scope: string): Promise<TokenResponse> {
    const { http, now } = this.#settings
    const { discovery, assertion } = client.dialect
    const needed = ['token_endpoint', ...(assertion.audience === 'issuer' ? (['issuer'] as const) : [])] as const
    const metadata = await this.#metadata.get({ ...client, discovery }, needed)
    const server = {
      tokenEndpoint: requireEndpoint(metadata, 'token_endpoint'),
      issuer: metadata.issuer,
      acceptedAlgorithms: metadata.token_endpoint_auth_signing_alg_values_supported,
    }
    return clientCredentialsGrant(scope, { client, server, channel: { http, now } })
  }

  #tokenSource(client: Client, scope: string): TokenSource {
    const newest = async () => (await this.#contextOf(client, scope)).accessToken
    return {
      current: newest,
      replace: async (refused) => (this.#slotFor(client, scope).invalidate(refused) ? newest() : undefined),
    }
  }

  #clientFor(fhirBaseUrl: string | undefined): MaybePromise<Client> {
    const { clients, servesKeysOnly } = this.#settings
    if (servesKeysOnly) {
      refuseOption(
        'backendServices({ keys }) only serves the JWKS. Give it fhirBaseUrl, clientId and scope to get tokens.',
      )
    }
    if (fhirBaseUrl === undefined) {
      const [only] = clients.listed
      if (only && clients.listed.length === 1) return only
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

/** Identifies a token: server, client and scopes, in any order. */
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
