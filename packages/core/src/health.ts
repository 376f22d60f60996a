import type { FhirAuthError } from './errors.ts'
import type { Emit, FhirAuthEvent } from './events.ts'
import { RecentlyUsed } from './shared/recently-used.ts'

/** How something went the last times. Moments are milliseconds since the epoch; undefined: not since the start. */
export interface LastOutcomes {
  readonly lastSuccessAt?: number | undefined
  readonly lastFailureAt?: number | undefined
  readonly lastFailure?: FhirAuthError | undefined
}

/** What a set of outcomes is of. */
interface Place {
  readonly fhirBaseUrl: string
  readonly clientId: string
}

/** An authorization server, as far as this process has asked it. */
export interface ServerHealth extends Place, LastOutcomes {}

/** The backend token of one server, client and scope. */
export interface TokenHealth extends Place, LastOutcomes {
  readonly scope: string
  /** When the token ends; undefined where none was got yet. */
  readonly expiresAt?: number | undefined
}

/** Whether the last thing known of it is a failure. */
export function isFailing({ lastSuccessAt, lastFailureAt }: LastOutcomes): boolean {
  return lastFailureAt !== undefined && (lastSuccessAt === undefined || lastFailureAt > lastSuccessAt)
}

const REMEMBERED = 1000

/** Outcomes by what they are of: the latest ones of a bounded number. */
export class OutcomeLog<P extends object> {
  readonly #now: () => number
  readonly #entries = new RecentlyUsed<P & LastOutcomes>(REMEMBERED)

  constructor(now: () => number) {
    this.#now = now
  }

  /** @param error - undefined for a success */
  note(name: string, part: P, error: FhirAuthError | undefined): void {
    const known = this.#entries.get(name)
    const at = this.#now()
    const outcome = error === undefined ? { lastSuccessAt: at } : { lastFailureAt: at, lastFailure: error }
    this.#entries.set(name, { ...known, ...part, ...outcome })
  }

  get(name: string): (P & LastOutcomes) | undefined {
    return this.#entries.get(name)
  }

  all(): (P & LastOutcomes)[] {
    return this.#entries.values()
  }
}

/** What the events of a launch say of its store, its logins and its refreshes. */
function noteEvent(log: OutcomeLog<object>, event: FhirAuthEvent): void {
  if (event.type === 'login' || event.type === 'refresh') {
    // Both are stored before they are told of.
    log.note('store', {}, undefined)
    log.note(event.type, {}, undefined)
  } else if (event.type === 'store_failed') log.note('store', {}, event.error)
  else if (event.type === 'login_failed') log.note('login', {}, event.error)
  else if (event.type === 'refresh_failed') log.note('refresh', {}, event.error)
}

/** Notes each event before it is told. */
export function noting(log: OutcomeLog<object>, emit: Emit): Emit {
  return (event) => {
    noteEvent(log, event)
    emit(event)
  }
}
