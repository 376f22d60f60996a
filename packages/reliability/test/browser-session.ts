import { setTimeout as sleep } from 'node:timers/promises'
import { createUserAgent, type UserAgent } from '@fhir-auth/sandbox'
import type { Fleet, FleetProcess } from './fleet.ts'
import type { Whoami } from './worker.ts'

/**
 * What became of a request: `served`; `unavailable`, a 503 with `Retry-After`; `login`, the person must log in again;
 * `failed`, anything else. A request whose process is killed is sent to another one, as a load balancer does.
 */
export type Outcome = 'served' | 'unavailable' | 'login' | 'failed'

export interface Observed {
  readonly outcome: Outcome
  readonly status: number
  readonly seconds: number
  readonly at: number
  /** Times that its process was killed under it. */
  readonly cutOff: number
  /** Of what failed. */
  readonly detail: string
}

export interface BrowserSession {
  /** Name of the present login: `7`, after one more `7.1`. It is the `intent` of the EHR launch. */
  readonly name: string
  /** What the app calls the launch, once a page was served. */
  readonly launchId: string | undefined
  /** @param process - default: the next one in turn */
  request(page: '/whoami' | '/read', as: 'person' | 'program', process?: FleetProcess): Promise<Observed>
  logIn(): Promise<void>
  /** Where a person without a session is sent: true when it is the authorization server, by way of the app's login. */
  isSentToLogin(): Promise<boolean>
}

const MOST_TRIES = 50

/** One browser with one session, whose requests go to all processes in turn. */
export async function openBrowserSession(fleet: Fleet, number: number): Promise<BrowserSession> {
  const browser: UserAgent = createUserAgent()
  const patient = fleet.sandbox.patients[number % fleet.sandbox.patients.length]?.id ?? ''
  let logins = 0
  let name = ''
  let launchId: string | undefined
  let turn = number
  /** The next process in turn that runs. */
  const nextProcess = async (): Promise<FleetProcess> => {
    for (;;) {
      for (let i = 0; i < fleet.processes.length; i++) {
        const process = fleet.processes[turn++ % fleet.processes.length]
        if (process?.isUp) return process
      }
      await sleep(20)
    }
  }
  /** Once more at the next process, where one is killed. */
  const retried = async <T>(ask: (process: FleetProcess) => Promise<T>): Promise<T> => {
    for (let tries = 1; ; tries++) {
      try {
        return await ask(await nextProcess())
      } catch (error) {
        if (tries === MOST_TRIES) throw error
        await sleep(20)
      }
    }
  }
  const session: BrowserSession = {
    get name() {
      return name
    },
    get launchId() {
      return launchId
    },
    async request(page, as, process) {
      const started = Date.now()
      const headers = { accept: as === 'person' ? 'text/html' : 'application/json', 'sec-fetch-mode': 'navigate' }
      if (as === 'program') headers['sec-fetch-mode'] = 'cors'
      for (let cutOff = 0; ; cutOff++) {
        const { origin } = process ?? (await nextProcess())
        try {
          const response = await browser.request(origin + page, { headers })
          const body = await response.text()
          const outcome = outcomeOf(response, body, { session: name, patient })
          if (outcome === 'served') launchId = (JSON.parse(body) as Whoami).launchId // the app's own answer
          const detail = outcome === 'failed' ? `${page} ${response.status} ${body.slice(0, 300)}` : ''
          const at = Date.now()
          return { outcome, status: response.status, seconds: (at - started) / 1000, at, cutOff, detail }
        } catch (error) {
          if (cutOff >= MOST_TRIES) throw error
          await sleep(20)
        }
      }
    },
    async logIn() {
      launchId = undefined
      name = logins === 0 ? String(number) : `${number}.${logins}`
      logins++
      const response = await retried(({ origin }) =>
        browser.visit(fleet.sandbox.ehrLaunch({ launchUrl: `${origin}/launch`, patient, intent: name })),
      )
      // The app has no start page: what counts is that the way led back to it.
      if (!fleet.processes.some((process) => response.url.startsWith(process.origin)) || response.status >= 500) {
        throw new Error(`A login ended at ${new URL(response.url).pathname} with ${response.status}.`)
      }
    },
    async isSentToLogin() {
      const first = await retried(({ origin }) => browser.request(`${origin}/whoami`))
      const login = new URL(first.headers.get('location') ?? '', fleet.sandbox.issuer)
      if (first.status !== 303 || login.pathname !== '/login') return false
      const second = await retried(({ origin }) => browser.request(`${origin}${login.pathname}${login.search}`))
      return (
        second.status === 303 && `${second.headers.get('location')}`.startsWith(`${fleet.sandbox.issuer}/authorize`)
      )
    },
  }
  await session.logIn()
  return session
}

function outcomeOf(response: Response, body: string, expected: { session: string; patient: string }): Outcome {
  const { status, headers } = response
  if (status === 200) {
    const seen = JSON.parse(body) as Whoami // the app's own answer
    if (seen.session !== expected.session) return 'failed'
    // The FHIR server refuses the token, and there is no other: the session has ended while the handler ran.
    if (seen.readStatus === 401) return 'login'
    return seen.patient === expected.patient ? 'served' : 'failed'
  }
  if (status === 503 && headers.get('retry-after') !== null) return 'unavailable'
  if (status === 303 && headers.get('location')?.startsWith('/login')) return 'login'
  return status === 401 && /login_required|session_ended/.test(body) ? 'login' : 'failed'
}
