import { FhirContext } from '../fhir/fhir-context.ts'
import type { FetchFunction, TokenSource } from '../fhir/fhir-fetch.ts'
import { ScopeSet } from '../fhir/scope-set.ts'
import { letFrame } from '../web/frame-ancestors.ts'
import type { LaunchRecord } from './record.ts'

/** The contexts that handlers get: one for each record, so one for each token. */
export class LaunchContexts {
  readonly #contexts = new WeakMap<LaunchRecord, FhirContext>()
  readonly #send: FetchFunction

  readonly #frameAncestors: string | undefined

  /** @param frameAncestors - who may frame a page that refuses one of these contexts; undefined: nobody */
  constructor(send: FetchFunction, frameAncestors: string | undefined) {
    this.#send = send
    this.#frameAncestors = frameAncestors
  }

  /** The context of this record, if somebody has asked for it before. */
  known(launch: LaunchRecord): FhirContext | undefined {
    return this.#contexts.get(launch)
  }

  /** @param tokens - where the context gets its tokens from, as long as somebody holds it */
  create(launch: LaunchRecord, tokens: TokenSource): FhirContext {
    const context = new FhirContext({ ...launch, scope: ScopeSet.parse(launch.scope) }, tokens, this.#send)
    letFrame(context, this.#frameAncestors)
    this.#contexts.set(launch, context)
    return context
  }
}
