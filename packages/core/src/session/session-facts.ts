import type { FhirContext } from '../fhir/fhir-context.ts'

/** What is known of the session behind a context, and is not for handlers. */
export interface SessionFacts {
  /** When the launch ends at the latest, in milliseconds since the epoch. */
  readonly endsAt: number
}

const facts = new WeakMap<FhirContext, SessionFacts>()

export function setSessionFacts(context: FhirContext, its: SessionFacts): void {
  facts.set(context, its)
}

/** Undefined for a context that does not come from a session. */
export function sessionFactsOf(context: FhirContext): SessionFacts | undefined {
  return facts.get(context)
}
