import { setTimeout as sleep } from 'node:timers/promises'
import { type BrowserSession, type Observed, openBrowserSession } from './browser-session.ts'
import type { Fleet } from './fleet.ts'

export interface LostSession {
  readonly name: string
  readonly launchId: string | undefined
  /** The person was sent to the login, and nothing else. */
  readonly isClean: boolean
}

export interface Traffic {
  readonly observed: readonly Observed[]
  readonly lost: readonly LostSession[]
  /** Ends the traffic, then asks once more for a page in every session. */
  end(): Promise<readonly Observed[]>
}

const LOGINS_AT_ONCE = 10

/**
 * People at work: each asks for a page now and then, for FHIR data now and then, and sometimes for four things at once
 * at several processes. Who has to log in again does so.
 */
export async function startTraffic(fleet: Fleet, count: number, pauseSeconds = 0.8): Promise<Traffic> {
  const observed: Observed[] = []
  const lost: LostSession[] = []
  const sessions: BrowserSession[] = []
  for (let first = 0; first < count; first += LOGINS_AT_ONCE) {
    const numbers = Array.from({ length: Math.min(LOGINS_AT_ONCE, count - first) }, (_, i) => first + i)
    sessions.push(...(await Promise.all(numbers.map((number) => openBrowserSession(fleet, number)))))
  }
  const stop = new AbortController()
  const step = async (session: BrowserSession) => {
    const chance = Math.random()
    const page = chance < 0.3 ? '/read' : '/whoami'
    const as = chance % 0.2 < 0.05 ? 'person' : 'program'
    const atOnce = Math.random() < 0.2 ? 4 : 1
    const answers = await Promise.all(Array.from({ length: atOnce }, () => session.request(page, as)))
    observed.push(...answers)
    if (answers.some(({ outcome }) => outcome === 'login')) await logInAgain(session)
  }
  const logInAgain = async (session: BrowserSession) => {
    const isClean = await session.isSentToLogin()
    // The FHIR server has refused a token that ran out on its way; the session lives, or cannot be asked just now.
    if (!isClean && (await lookAgain(session)) === 'served') return
    lost.push({ name: session.name, launchId: session.launchId, isClean })
    await session.logIn()
  }
  const lookAgain = async (session: BrowserSession) => {
    for (;;) {
      const { outcome } = await session.request('/whoami', 'program')
      if (outcome !== 'unavailable') return outcome
      await sleep(500)
    }
  }
  const work = async (session: BrowserSession) => {
    while (!stop.signal.aborted) {
      await step(session)
      // 0.2 to 1.8 times the pause.
      await sleep(pauseSeconds * 1000 * (0.2 + Math.random() * 1.6))
    }
  }
  const people = Promise.all(sessions.map(work))
  // Until `end` waits for it.
  people.catch(() => {})
  return {
    observed,
    lost,
    async end() {
      stop.abort()
      await people
      const last: Observed[] = []
      for (const session of sessions) {
        const answer = await session.request('/read', 'person')
        if (answer.outcome === 'login') await logInAgain(session)
        last.push(answer.outcome === 'login' ? await session.request('/read', 'person') : answer)
      }
      return last
    },
  }
}
