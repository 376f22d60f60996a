/** A server to measure: what it stands for, and how it is made. */
export interface RunningServer {
  /** Where GET answers 200 `ok`. */
  readonly url: string
  /** Sent with each request. */
  readonly cookie: string | undefined
}

export type Variants = Readonly<Record<string, () => Promise<RunningServer>>>

export const BARE = 'bare'
export const TWIN = 'bare, a second server'
export const NO_OP = 'no-op middleware'
/** What any middleware costs that finds something by a cookie, before it has looked for anything. */
export const ATTACHING = 'reads the header, attaches a constant'
export const OURS = 'fhir-auth, live session'
export const OURS_WITHOUT = 'fhir-auth, no cookie of ours'

/** Asks the server's own route for a session, and takes its cookies as a browser would. */
export async function sessionCookies(origin: string, init: RequestInit = {}): Promise<string> {
  const response = await fetch(`${origin}/begin`, init)
  if (!response.ok) throw new Error(`${origin}/begin answered ${response.status}: ${await response.text()}`)
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';', 1)[0])
    .join('; ')
}

/** The session of each peer holds as much as ours. */
export const sessionContent = {
  accessToken: crypto.randomUUID() + crypto.randomUUID(),
  refreshToken: crypto.randomUUID(),
  scope: 'launch/patient patient/*.rs offline_access',
  patient: crypto.randomUUID(),
}
