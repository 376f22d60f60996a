import type { SourceName } from '@fhir-auth/core/protocol'
import type { NetworkFault } from './network-fault.ts'

/** One discovery document of a server. */
export interface SourceReport {
  readonly document: SourceName
  /** Undefined when it is not known where to look. */
  readonly url: string | undefined
  readonly found: boolean
  readonly status?: number | undefined
  readonly contentType?: string | undefined
  /** Why it is not found, or not used. */
  readonly reason?: string | undefined
  readonly fault?: NetworkFault | undefined
  /** It describes another issuer than the one that was asked. */
  readonly isForeign?: boolean | undefined
  /** The base of its relative URLs. */
  readonly base: string
  /** As received; the OAuth endpoints alone of a CapabilityStatement. */
  readonly content: Readonly<Record<string, unknown>>
}
