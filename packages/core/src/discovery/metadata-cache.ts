import { asFhirAuthError, type FhirAuthError } from '../errors.ts'
import type { HttpOptions } from '../http/send-bounded.ts'
import { type DiscoveryTarget, discover, type NeededMember } from './discover.ts'
import type { ServerMetadata } from './server-metadata.ts'

/** How long a discovered document is used, in seconds: its own `max-age` within these bounds. */
const DEFAULT_AGE_SECONDS = 3600
const MIN_AGE_SECONDS = 60
const MAX_AGE_SECONDS = 24 * 3600
/** A failure is remembered only long enough to shield a server that is down from a stampede. */
const FAILURE_SECONDS = 5

interface Entry {
  metadata?: ServerMetadata
  failure?: FhirAuthError
  freshUntil: number
  inFlight?: Promise<ServerMetadata>
}

/**
 * Discovered metadata by server: one request in flight, kept by `Cache-Control` within bounds, stale served when a
 * refetch fails. Entries of different servers or needs never mix.
 */
export class MetadataCache {
  readonly #entries = new Map<string, Entry>()
  readonly #http: HttpOptions
  readonly #now: () => number

  constructor(http: HttpOptions, now: () => number) {
    this.#http = http
    this.#now = now
  }

  /** @throws `discovery_failed` and what a request can throw */
  async get(target: DiscoveryTarget, needed: readonly NeededMember[]): Promise<ServerMetadata> {
    const key = JSON.stringify([target.fhirBaseUrl, target.discovery, target.metadata, needed])
    let entry = this.#entries.get(key)
    if (entry && entry.freshUntil > this.#now()) {
      if (entry.metadata) return entry.metadata
      if (entry.failure) throw entry.failure
    }
    if (!entry) {
      entry = { freshUntil: 0 }
      this.#entries.set(key, entry)
    }
    entry.inFlight ??= this.#refetch(entry, target, needed)
    return entry.inFlight
  }

  async #refetch(entry: Entry, target: DiscoveryTarget, needed: readonly NeededMember[]): Promise<ServerMetadata> {
    try {
      const { metadata, maxAgeSeconds = DEFAULT_AGE_SECONDS } = await discover(target, needed, this.#http)
      const age = Math.min(Math.max(maxAgeSeconds, MIN_AGE_SECONDS), MAX_AGE_SECONDS)
      entry.metadata = metadata
      delete entry.failure
      entry.freshUntil = this.#now() + age * 1000
      return metadata
    } catch (error) {
      entry.freshUntil = this.#now() + FAILURE_SECONDS * 1000
      if (entry.metadata) return entry.metadata
      entry.failure = asFhirAuthError(error, 'discovery_failed', `Discovery failed for ${target.fhirBaseUrl}.`)
      throw entry.failure
    } finally {
      delete entry.inFlight
    }
  }
}
