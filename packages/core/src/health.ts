import type { FhirAuthError } from './errors.ts'
import type { Emit, FhirAuthEvent } from './events.ts'
import { RecentlyUsed } from './shared/recently-used.ts'

/** The last success and the last failure of something. Times are in milliseconds since the epoch; undefined means never. */
export interface LastOutcomes {
  readonly lastSuccessAt?: number | undefined
  readonly lastFailureAt?: number | undefined
  readonly lastFailure?: FhirAuthError | undefined
}

/** Which server and client an outcome belongs to. */
interface Place {
  readonly fhirBaseUrl: string
  readonly clientId: string
}

/** What this process knows of an authorization server. */
export interface ServerHealth extends Place, LastOutcomes {}

/** The backend token of one server, client and scope. */
export interface TokenHealth extends Place, LastOutcomes {
  readonly scope: string
  /** When the token expires; undefined if there was none yet. */
  readonly expiresAt?: number | undefined
}

/** Whether the last outcome was a failure. */
export function isFailing({ lastSuccessAt, lastFailureAt }: LastOutcomes): boolean {
  return lastFailureAt !== undefined && (lastSuccessAt === undefined || lastFailureAt > lastSuccessAt)
}

const REMEMBERED = 1000

/** The last outcomes of a bounded number of things, by name. */
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

/** Notes what the events of a launch say about its store, its logins and its refreshes. */
function noteEvent(log: OutcomeLog<object>, event: FhirAuthEvent): void {
  if (event.type === 'login' || event.type === 'refresh') {
    // These events come after the store has written the session.
    log.note('store', {}, undefined)
    log.note(event.type, {}, undefined)
  } else if (event.type === 'store_failed') log.note('store', {}, event.error)
  else if (event.type === 'login_failed') log.note('login', {}, event.error)
  else if (event.type === 'refresh_failed') log.note('refresh', {}, event.error)
}

/** Notes each event before it is emitted. */
export function noting(log: OutcomeLog<object>, emit: Emit): Emit {
  return (event) => {
    noteEvent(log, event)
    emit(event)
  }
}
