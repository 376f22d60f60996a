import type { RecordedRequest, Sandbox } from '@fhir-auth/sandbox'

/** One answer of the token endpoint, and the grant that used its refresh token. */
interface Issue {
  session: string
  refreshToken: string
  at: number
}

/** What the authorization server's own records say of one session. */
export interface SessionLedger {
  /** Token answers: one for the login, one for each refresh. Each begins a period. */
  issues: number
  /** Refresh grants that reached the server, refused ones included. */
  refreshGrants: number
  /** How often the refresh token of each period was presented, in the order of the periods. */
  grantsPerPeriod: number[]
}

/**
 * Who got which token, written down as the server answers. A session is known by the `intent` of its EHR launch, which
 * comes with each token answer.
 */
export interface Ledger {
  bySession(): Map<string, SessionLedger>
  refreshRequests(): RecordedRequest[]
  /** The session whose refresh token a request presents. */
  sessionOf(request: RecordedRequest): string | undefined
  /** Makes the server answer token requests late, its work done: what it rotated, stays rotated. */
  delayAnswers(seconds: number): void
}

export function openLedger(sandbox: Sandbox): Ledger {
  const issues = new Map<string, Issue>()
  const delays = { seconds: 0 }
  sandbox.fault({
    at: 'token',
    kind: 'json',
    patch: async ({ intent, refresh_token: refreshToken }) => {
      if (typeof intent === 'string' && typeof refreshToken === 'string') {
        issues.set(refreshToken, { session: intent, refreshToken, at: Date.now() })
      }
      if (delays.seconds > 0) await new Promise((resolve) => setTimeout(resolve, delays.seconds * 1000))
      return undefined
    },
  })
  const refreshRequests = () =>
    sandbox.requestsTo('/token').filter(({ form }) => form.get('grant_type') === 'refresh_token')
  const sessionOf = ({ form }: RecordedRequest) => issues.get(form.get('refresh_token') ?? '')?.session
  return {
    refreshRequests,
    sessionOf,
    delayAnswers: (seconds) => {
      delays.seconds = seconds
    },
    bySession() {
      const presented = new Map<string, number>()
      for (const { form } of refreshRequests()) {
        const token = form.get('refresh_token') ?? ''
        presented.set(token, (presented.get(token) ?? 0) + 1)
      }
      const sessions = new Map<string, SessionLedger>()
      for (const { session, refreshToken } of issues.values()) {
        const ledger = sessions.get(session) ?? { issues: 0, refreshGrants: 0, grantsPerPeriod: [] }
        sessions.set(session, ledger)
        const grants = presented.get(refreshToken) ?? 0
        ledger.issues += 1
        ledger.refreshGrants += grants
        ledger.grantsPerPeriod.push(grants)
      }
      return sessions
    },
  }
}
