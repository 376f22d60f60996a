import { FhirContext } from '../fhir/fhir-context.ts'
import type { FetchFunction, TokenSource } from '../fhir/fhir-fetch.ts'
import type { TokenArea } from '../fhir/fhir-target.ts'
import { ScopeSet } from '../fhir/scope-set.ts'
import { letFrame } from '../web/frame-ancestors.ts'
import type { LaunchRecord } from './record.ts'

export interface LaunchContextSettings {
  readonly send: FetchFunction
  /** `tokenUrls` of the registration at this FHIR base URL. */
  readonly tokenUrls: (fhirBaseUrl: string) => ReturnType<TokenArea['tokenUrls']>
  /** Who may frame a page that refuses one of these contexts; undefined: nobody. */
  readonly frameAncestors: string | undefined
}

/** The contexts that handlers get: one for each record, so one for each token. */
export class LaunchContexts {
  readonly #contexts = new WeakMap<LaunchRecord, FhirContext>()
  readonly #settings: LaunchContextSettings

  constructor(settings: LaunchContextSettings) {
    this.#settings = settings
  }

  /** The context of this record, if somebody has asked for it before. */
  known(launch: LaunchRecord): FhirContext | undefined {
    return this.#contexts.get(launch)
  }

  /** @param tokens - where the context gets its tokens from, as long as somebody holds it */
  create(launch: LaunchRecord, tokens: TokenSource): FhirContext {
    const { send, tokenUrls, frameAncestors } = this.#settings
    const grant = { ...launch, scope: ScopeSet.parse(launch.scope) }
    const context = new FhirContext(grant, tokens, send, () => tokenUrls(launch.fhirBaseUrl))
    letFrame(context, frameAncestors)
    this.#contexts.set(launch, context)
    return context
  }
}
