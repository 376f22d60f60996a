import { randomBytes } from 'node:crypto'
import {
  createUserAgent,
  type RecordedRequest,
  type Sandbox,
  type SandboxOptions,
  type UserAgent,
} from '@fhir-auth/sandbox'
import {
  clientSecretBasic,
  createSmartLaunch,
  type FhirContext,
  type SmartLaunch,
  type SmartLaunchOptions,
} from '../../src/index.ts'
import type { AnyLaunchOptions, OneLaunchOptions } from './any-options.ts'
import { startCoreApp } from './core-app.ts'
import { startSandbox } from './registered-client.ts'

const SCOPE = 'openid fhirUser launch/patient patient/*.rs offline_access'

/** What the portal's only page says of who asks for it. */
export interface Seen {
  patient: string | undefined
  encounter: string | undefined
  launchId: string | undefined
  accessToken: string
  sub: unknown
  /** Status of a read of the patient, for paths that begin with /read. */
  read?: number
}

export type PortalOptions = Omit<AnyLaunchOptions, 'session'> & {
  session?: Partial<SmartLaunchOptions['session']>
}

export interface PortalWorld {
  sandbox: Sandbox
  origin: string
  launch: SmartLaunch
  /** As the portal was made with. */
  options: OneLaunchOptions
  failures: unknown[]
  /** Every URL that the portal itself has asked. */
  outbound: string[]
  /** The context that a request of this browser gets, in this process. */
  contextOf(browser: UserAgent, url?: string): Promise<FhirContext | undefined>
  /** When nothing is under way behind the answers that were given. */
  settled(): Promise<void>
  /** Moves the portal's clock; the sandbox keeps the real time. */
  advanceSeconds(seconds: number): void
  tokenRequests(grantType?: string): RecordedRequest[]
  /** The callback that ends a login of this browser, not yet opened. For `consent: 'auto'`. */
  callbackFor(browser: UserAgent, loginUrl?: string): Promise<URL>
}

/** A patient portal at a sandbox of its own: logs in at /login and shows at every other path who is there. */
export async function startPortal(
  options: PortalOptions = {},
  sandboxOptions: SandboxOptions = {},
): Promise<PortalWorld> {
  const sandbox = await startSandbox(sandboxOptions)
  const clientSecret = randomBytes(24).toString('base64url')
  let offset = 0
  const outbound: string[] = []
  let used: OneLaunchOptions | undefined
  const { origin, handler, failures, settled } = await startCoreApp((appOrigin) => {
    const redirectUri = `${appOrigin}/callback`
    sandbox.registerClient({ clientId: 'portal', clientSecret, redirectUris: [redirectUri] })
    const server = {
      fhirBaseUrl: sandbox.fhirBaseUrl,
      clientId: 'portal',
      clientAuth: clientSecretBasic(clientSecret),
    }
    used = {
      ...(options.registrations === undefined && server),
      redirectUri,
      scope: SCOPE,
      now: () => Date.now() + offset,
      fetch: (input: string | URL | Request, init?: RequestInit) => {
        outbound.push(String(input))
        return fetch(input, init)
      },
      ...options,
      session: { secret: newSecret(), ...options.session },
    } as OneLaunchOptions // with one server, or with the registrations that a test gives
    return createSmartLaunch(used)
  }, seenBy)
  return {
    sandbox,
    origin,
    launch: handler as SmartLaunch, // as made above
    options: used!,
    failures,
    outbound,
    settled,
    contextOf: async (browser, url = '/') => {
      const cookie = browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
      const header = (name: string) => (name === 'cookie' ? cookie : undefined)
      return handler.contextFor({ method: 'GET', url, header })
    },
    advanceSeconds: (seconds) => {
      offset += seconds * 1000
    },
    tokenRequests: (grantType) =>
      sandbox.requestsTo('/token').filter(({ form }) => !grantType || form.get('grant_type') === grantType),
    callbackFor: async (browser, loginUrl = `${origin}/login`) => {
      const login = await browser.request(loginUrl)
      const authorization = await fetch(login.headers.get('location') ?? '', { redirect: 'manual' })
      return new URL(authorization.headers.get('location') ?? '')
    },
  }
}

/** Another process of the same portal: same options, so the same store and secret, but for what is given. */
export async function startSecondInstance(
  portal: PortalWorld,
  options: PortalOptions = {},
): Promise<{ origin: string; failures: unknown[] }> {
  const session = { ...portal.options.session, ...options.session }
  return startCoreApp(() => createSmartLaunch({ ...portal.options, ...options, session } as SmartLaunchOptions), seenBy)
}

const seenBy: Parameters<typeof startCoreApp>[1] = async (fhir, request): Promise<Seen | undefined> =>
  fhir && {
    patient: fhir.patient,
    encounter: fhir.encounter,
    launchId: fhir.launchId,
    accessToken: fhir.accessToken,
    sub: fhir.idToken?.sub,
    ...(request.url.startsWith('/read') && { read: (await fhir.fetch(`Patient/${fhir.patient}`)).status }),
  }

export function newSecret(): string {
  return randomBytes(32).toString('base64')
}

/** Asks for the portal's page in a browser, as a script would. */
export async function look(browser: UserAgent, url: string, headers: Record<string, string> = {}) {
  const response = await browser.request(url, { headers: { accept: 'application/json', ...headers } })
  return { status: response.status, seen: (await response.json()) as Seen | null }
}

/** A person who may see every patient: whoever logs in at a second patient stays the same person. */
export const CLINICIAN = 'Practitioner/juniper-stethwick'

/** Logs a new browser in, at one patient. */
export async function loggedIn(portal: PortalWorld, patient?: string): Promise<UserAgent> {
  const browser = createUserAgent()
  await browser.signIn(`${portal.origin}/login`, { patient, user: CLINICIAN })
  return browser
}

/** As a button on a page of the portal does it. */
export function logOut(portal: PortalWorld, browser: UserAgent): Promise<Response> {
  const headers = { accept: 'application/json', origin: portal.origin }
  return browser.request(`${portal.origin}/logout`, { method: 'POST', headers })
}

/** Just before the end of a sandbox's token of 300 seconds, when it is not sent any more. It is renewed from 270 on. */
export const EXPIRED_SECONDS = 296
