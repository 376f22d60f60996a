import {
  clientSecretBasic,
  createSmartLaunch,
  type SessionOptions,
  type SmartLaunch,
  type SmartLaunchOptions,
} from '@fhir-auth/core'

const ORIGIN = 'https://portal.example.org'

/** What the memory store holds of a session, as far as it is of interest here. */
export interface StoredSession {
  readonly expiresAt: number
  readonly endsAt: number
  readonly launches: readonly object[]
}

/** A launch as an app has it, at a server that answers at once. */
export function launchOptions(session: Partial<SessionOptions> = {}): SmartLaunchOptions {
  return {
    fhirBaseUrl: 'https://fhir.example.org/r4',
    clientId: 'portal',
    clientAuth: clientSecretBasic('a secret for the measurement'),
    redirectUri: `${ORIGIN}/callback`,
    scope: 'launch/patient patient/*.rs offline_access',
    session: { secret: crypto.randomUUID() + crypto.randomUUID(), ...session },
    metadata: {
      authorization_endpoint: 'https://ehr.example.org/authorize',
      token_endpoint: 'https://ehr.example.org/token',
    },
    fetch: async () => Response.json(tokenResponse()),
  }
}

/** What a token endpoint answers. */
export function tokenResponse(): Record<string, unknown> {
  return {
    access_token: `${crypto.randomUUID()}${crypto.randomUUID()}`,
    refresh_token: crypto.randomUUID(),
    token_type: 'Bearer',
    expires_in: 24 * 3600,
    scope: 'launch/patient patient/*.rs offline_access',
    patient: crypto.randomUUID(),
  }
}

export function createLaunch(session: Partial<SessionOptions> = {}): SmartLaunch {
  return createSmartLaunch(launchOptions(session))
}

/** Logs in by the two requests that a browser would make, and returns its session cookie. */
export async function logIn(launch: SmartLaunch): Promise<string> {
  const login = await launch.answer(request('/login'))
  if (login.kind !== 'redirect') throw new Error(`The login answered ${login.status}: ${login.body}`)
  const state = new URL(login.location).searchParams.get('state')
  const cookies = login.cookies.map(pairOf).join('; ')
  const callback = await launch.answer(request(`/callback?code=code&state=${state}`, cookies))
  const session = callback.cookies.map(pairOf).find((pair) => pair.includes('session='))
  if (callback.kind !== 'redirect' || session === undefined) throw new Error(`The callback failed: ${callback.body}`)
  return session
}

/** What a browser sends beside ours: an app has other cookies too. */
export const OTHER_COOKIES = 'theme=dark; _ga=GA1.2.1234567890.1700000000; locale=en-US'

export function request(
  url: string,
  cookie?: string,
): { method: string; url: string; header(name: string): string | undefined } {
  return { method: 'GET', url, header: (name) => (name === 'cookie' ? cookie : undefined) }
}

export function pairOf(setCookie: string): string {
  return setCookie.split(';', 1)[0] ?? ''
}
