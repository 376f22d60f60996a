import type { FhirAuthEvent } from '../../src/index.ts'

/** What a listener was told, and what of it is an outcome: not the steps on the way there. */
export interface EventLog {
  readonly onEvent: (event: FhirAuthEvent) => void
  readonly all: FhirAuthEvent[]
  readonly outcomes: FhirAuthEvent[]
}

export function createEventLog(): EventLog {
  const all: FhirAuthEvent[] = []
  const outcomes: FhirAuthEvent[] = []
  const onEvent = (event: FhirAuthEvent) => {
    all.push(event)
    if (event.type !== 'request' && event.type !== 'login_started') outcomes.push(event)
  }
  return { onEvent, all, outcomes }
}
