import { FhirContext } from '../fhir/fhir-context.ts'
import type { FetchFunction, TokenSource } from '../fhir/fhir-fetch.ts'
import type { TokenArea } from '../fhir/fhir-target.ts'
import { ScopeSet } from '../fhir/scope-set.ts'
import { type ProblemSettings, setProblemSettings } from '../web/problem-settings.ts'
import type { LaunchRecord } from './record.ts'
import { setSessionFacts } from './session-facts.ts'

export interface FhirContextSettings {
  readonly send: FetchFunction
  /** `tokenUrls` of the registration at this FHIR base URL. */
  readonly tokenUrls: (fhirBaseUrl: string) => ReturnType<TokenArea['tokenUrls']>
  /** For the answer if a guard refuses one of these contexts. */
  readonly problems: ProblemSettings
}

/** The contexts that handlers get: one for each launch record, so one for each token. */
export class FhirContexts {
  readonly #contexts = new WeakMap<LaunchRecord, FhirContext>()
  readonly #settings: FhirContextSettings

  constructor(settings: FhirContextSettings) {
    this.#settings = settings
  }

  /** The context of this record, if it was created before. */
  known(launch: LaunchRecord): FhirContext | undefined {
    return this.#contexts.get(launch)
  }

  /** @param tokens - where the context gets its tokens from, as long as a handler uses it */
  create(launch: LaunchRecord, tokens: TokenSource): FhirContext {
    const { send, tokenUrls, problems } = this.#settings
    const grant = { ...launch, scope: ScopeSet.parse(launch.scope) }
    const context = new FhirContext(grant, { tokens, send, tokenUrls: () => tokenUrls(launch.fhirBaseUrl) })
    setProblemSettings(context, problems)
    setSessionFacts(context, { endsAt: launch.endsAt })
    this.#contexts.set(launch, context)
    return context
  }
}
