import { errorOf } from './fhir-client-error.ts'
import { launchIdOfPage, ownHeaders } from './launch-id.ts'

/** The person who is logged in. */
export interface SessionUser {
  /** Such as `Practitioner` or `Patient`. */
  readonly type?: string
  readonly id?: string
  readonly url?: string
  readonly name?: string
}

/** What a page may know of its session. Members that are not known are absent. */
export type Session =
  | {
      readonly loggedIn: true
      /** Give it to `createFhirClient()`, so that the page keeps to this launch whatever other tabs do. */
      readonly launchId: string
      readonly patient?: string
      readonly encounter?: string
      readonly user?: SessionUser
      readonly scope?: string
      /** Whether the page must show who the patient is (SMART App Launch 2.2, `need_patient_banner`). */
      readonly needPatientBanner?: boolean
      /** When the person must log in again at the latest: ISO 8601. */
      readonly endsAt?: string
      readonly loginUrl?: string
      /** For a form with POST. */
      readonly logoutUrl?: string
      readonly proxyUrl: string
    }
  | { readonly loggedIn: false; readonly loginUrl?: string; readonly proxyUrl: string }

/** Options of {@link readSession} and {@link watchSession}. */
export interface AskOptions {
  /** Where the server tells about the session. Default `/session`. */
  url?: string | undefined
  /** Default: `launch_id` of the page's address. */
  launchId?: string | undefined
  /** Default: the browser's. */
  fetch?: typeof fetch | undefined
}

/**
 * Asks the server who is logged in.
 *
 * @throws FhirClientError with the code `ambiguous_launch` if several patients are open and the page names none
 */
export async function readSession(options: AskOptions = {}): Promise<Session> {
  const { url = '/session', launchId = launchIdOfPage(), fetch = globalThis.fetch } = options
  const response = await fetch(url, {
    headers: ownHeaders({ accept: 'application/json' }, launchId),
    cache: 'no-store',
  })
  if (!response.ok) throw await errorOf(response)
  return (await response.json()) as Session
}

/**
 * Calls the listener when the session may have changed: a page of the app was opened in another tab, such as the one after a
 * login or a logout, or the person has come back to this tab. Nothing is asked at intervals, and the message between the tabs
 * has no content.
 *
 * @returns ends it
 */
export function watchSession(listener: (session: Session) => void, options: AskOptions = {}): () => void {
  const launchId = options.launchId ?? launchIdOfPage()
  const channel = new BroadcastChannel('fhir-auth')
  let isEnded = false
  let newest = 0
  const ask = async () => {
    const number = ++newest
    try {
      const session = await readSession({ ...options, launchId })
      // An older answer may come later.
      if (!isEnded && number === newest) listener(session)
    } catch {
      // No connection, say. The next request of the page tells what is wrong.
    }
  }
  const askIfSeen = () => {
    if (document.visibilityState === 'visible') void ask()
  }
  channel.onmessage = () => void ask()
  document.addEventListener('visibilitychange', askIfSeen)
  channel.postMessage('')
  return () => {
    isEnded = true
    channel.close()
    document.removeEventListener('visibilitychange', askIfSeen)
  }
}
