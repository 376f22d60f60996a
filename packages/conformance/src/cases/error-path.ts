import { memoryStore, type Store } from '@fhir-auth/core'
import { expect } from 'vitest'
import type { ErrorAnswer } from '../app/error-answer.ts'
import type { Whoami } from '../app/handlers.ts'
import { JOB_ROUTES } from '../case-app.ts'
import type { ConformanceCase } from '../conformance-case.ts'
import type { AppAnswer } from '../visitor.ts'

const forwarded = { problems: 'forward', errorHandler: true } as const
const needs = ['errorHandler'] as const
const DETAIL = 'a-detail-of-the-store-that-nobody-should-see'

export const errorPath: readonly ConformanceCase[] = [
  {
    rule: 'a refused guard goes to the error handler of the app, where problems are forwarded',
    needs,
    app: forwarded,
    async run({ visitor }) {
      expectHandled(await visitor().ask('/guarded'), 401, 'login_required')
    },
  },
  {
    rule: 'a refused callback goes to the error handler of the app, where problems are forwarded',
    needs,
    app: forwarded,
    async run({ visitor }) {
      expectHandled(await visitor().ask('/callback?code=some-stray-code&state=a'), 400, 'state_mismatch')
      expectHandled(await visitor().ask('/login', { method: 'POST' }), 405, 'method_not_allowed')
    },
  },
  {
    rule: 'what a forwarded problem says beside its body holds: Allow, WWW-Authenticate (RFC 9110 §15.5.6)',
    needs,
    app: forwarded,
    async run({ visitor }) {
      const refused = await visitor().ask('/login', { method: 'POST' })
      expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET'])
      const guarded = await visitor().ask('/guarded')
      expect([guarded.status, guarded.headers.get('www-authenticate')]).toEqual([401, 'Session'])
    },
  },
  {
    rule: 'CB-06 a forwarded problem of a callback ends its login all the same',
    needs,
    app: forwarded,
    async run({ base, sandbox, visitor }) {
      const browser = visitor()
      const { location } = await browser.open('/login')
      const state = location.searchParams.get('state') ?? ''
      const refused = await browser.ask(
        `${base}/callback?${new URLSearchParams({ error: 'access_denied', state, iss: sandbox.issuer })}`,
      )
      expectHandled(refused, 403, 'authorization_denied')
      expect(refused.headers.getSetCookie()).toEqual([expect.stringMatching(/Max-Age=0/)])
      expect(browser.agent.cookies).toEqual([])
    },
  },
  {
    rule: 'a token that the app does not get goes to the error handler of the app, where problems are forwarded',
    needs,
    app: { ...forwarded, launch: false, backend: true, routes: JOB_ROUTES },
    async run({ sandbox, visitor }) {
      sandbox.fault({ at: 'token', kind: 'status', status: 400, body: '{"error":"invalid_client"}' })
      expectHandled(await visitor().ask('/guarded'), 502, 'token_request_refused')
    },
  },
  {
    rule: 'what is no problem is answered as ever, where problems are forwarded',
    needs,
    app: forwarded,
    async run({ base, visitor }) {
      const browser = visitor()
      expect((await browser.open('/guarded')).location.href).toMatch(`${base}/login?`)
      await browser.logIn()
      expect((await browser.ask('/guarded')).status).toBe(200)
      expect((await browser.logOut()).status).toBe(303)
    },
  },
  {
    rule: 'problems are answered by the adapter, whatever error handler the app has',
    needs,
    app: { errorHandler: true },
    async run({ visitor }) {
      const answer = await visitor().ask('/guarded')
      expect(answer.status).toBe(401)
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
    },
  },
  {
    rule: 'the failure of a handler goes to the error handler of the app',
    needs,
    app: { errorHandler: true },
    async run({ visitor }) {
      expectHandled(await visitor().ask('/fail'), 500, null)
    },
  },
  {
    rule: 'an error that nobody foresaw goes to the error handler of the app, from a guarded route alone',
    needs,
    app: { errorHandler: true, store: brokenMemory },
    async run({ addSecret, visitor }) {
      addSecret(DETAIL)
      const headers = { cookie: 'fhir-auth.session=any' }
      expectHandled(await visitor().ask('/guarded', { headers }), 500, null)
      const open = await visitor().ask('/open', { headers })
      expect([open.status, open.json<Whoami>().loggedIn]).toEqual([200, false])
    },
  },
  {
    rule: 'an error that nobody foresaw goes to the error handler of the app, from the callback',
    needs,
    app: { errorHandler: true, store: brokenMemory },
    async run({ addSecret, visitor }) {
      addSecret(DETAIL)
      const browser = visitor()
      expectHandled(await browser.ask((await browser.logInUntilCallback()).href), 500, null)
      expectHandled(
        await browser.logOut({
          headers: { origin: new URL(browser.urlOf('/')).origin, cookie: 'fhir-auth.session=any' },
        }),
        500,
        null,
      )
    },
  },
  {
    rule: 'a session store that fails is 503 for guarded routes, without a word of its reason',
    app: { store: failingStore },
    async run({ visitor }) {
      const headers = { cookie: 'fhir-auth.session=any' }
      const answer = await visitor().ask('/guarded', { headers })
      expect(answer.text).not.toContain(DETAIL)
      expect([answer.status, answer.json().code]).toEqual([503, 'session_store_failed'])
      expect(answer.headers.get('retry-after')).toBe('5')
      expect((await visitor().ask('/open', { headers })).status).toBe(200)
      const browser = visitor()
      const refused = await browser.ask((await browser.logInUntilCallback()).href)
      expect([refused.status, refused.json().code]).toEqual([503, 'session_store_failed'])
      expect(refused.text).not.toContain(DETAIL)
    },
  },
]

function expectHandled(answer: AppAnswer, status: number, code: string | null): void {
  const { handledBy, code: found } = answer.json<ErrorAnswer>()
  expect([answer.status, handledBy, found]).toEqual([status, 'the app', code])
}

/** Throws an error that is not a FhirAuthError, as a fault of this library would. */
function brokenMemory() {
  const fail = (): never => {
    throw new TypeError(DETAIL)
  }
  return Object.assign(memoryStore(), { get: fail, claim: fail, delete: fail })
}

function failingStore(): Store {
  const fail = async (): Promise<never> => {
    throw new Error(DETAIL)
  }
  return { get: fail, set: fail, swap: fail, delete: fail }
}
