import { expect, vi } from 'vitest'
import type { FhirRead, Whoami } from '../app/handlers.ts'
import type { ConformanceCase } from '../conformance-case.ts'

const needs = ['inProcess'] as const
/** Of 300 seconds: due for renewal in the last 30. */
const DUE_SECONDS = 275
const EXPIRED_SECONDS = 305

export const refresh: readonly ConformanceCase[] = [
  {
    rule: 'RFR-01 RFR-04 a token is renewed before it expires, once however many requests come, and nobody waits for it',
    needs,
    async run({ visitor, advanceSeconds, tokenRequests }) {
      const browser = visitor()
      await browser.logIn()
      const before = (await browser.ask('/open')).json<Whoami>().expiresAt ?? 0
      advanceSeconds(DUE_SECONDS)
      const answers = await Promise.all(Array.from({ length: 5 }, () => browser.ask('/guarded')))
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
      await vi.waitFor(async () => {
        expect((await browser.ask('/open')).json<Whoami>().expiresAt).toBeGreaterThan(before)
      })
      const requests = tokenRequests('refresh_token')
      expect(requests).toHaveLength(1)
      expect(requests[0]?.headers.authorization).toMatch(/^Basic /)
    },
  },
  {
    rule: 'RFR-04 requests with an expired token wait for one refresh, and all go on with the new token',
    needs,
    async run({ sandbox, visitor, advanceSeconds, tokenRequests }) {
      const browser = visitor()
      await browser.logIn('/login', { patient: sandbox.patients[1]?.id })
      advanceSeconds(EXPIRED_SECONDS)
      const answers = await Promise.all(Array.from({ length: 10 }, () => browser.ask('/read')))
      expect(answers.map(({ status, json }) => [status, json<FhirRead>().status])).toEqual(
        Array.from({ length: 10 }, () => [200, 200]),
      )
      expect(tokenRequests('refresh_token')).toHaveLength(1)
    },
  },
  {
    rule: 'RFR-03 a rotated refresh token replaces the old one, and none is used twice',
    needs,
    async run({ sandbox, visitor, advanceSeconds, tokenRequests }) {
      const before = sandbox.refreshReuseDetections
      const browser = visitor()
      await browser.logIn()
      for (let round = 0; round < 3; round++) {
        advanceSeconds(EXPIRED_SECONDS)
        expect((await browser.ask('/guarded')).status).toBe(200)
      }
      expect(new Set(tokenRequests('refresh_token').map(({ form }) => form.get('refresh_token'))).size).toBe(3)
      expect(sandbox.refreshReuseDetections).toBe(before)
    },
  },
  {
    rule: 'RFR-06 patient, user and launch stay what they were',
    needs,
    async run({ sandbox, visitor, advanceSeconds }) {
      const browser = visitor()
      await browser.logIn('/login', { patient: sandbox.patients[2]?.id })
      const { expiresAt: _, ...before } = (await browser.ask('/open')).json<Whoami>()
      sandbox.fault({
        at: 'token',
        kind: 'json',
        patch: ({ access_token, token_type, expires_in }) => ({ access_token, token_type, expires_in }),
      })
      advanceSeconds(EXPIRED_SECONDS)
      expect((await browser.ask('/open')).json<Whoami>()).toMatchObject(before)
    },
  },
  {
    rule: 'RFR-07 a refresh token that the server refuses ends the session',
    needs,
    async run({ sandbox, visitor, advanceSeconds, tokenRequests }) {
      const browser = visitor()
      await browser.logIn()
      sandbox.revokeAll()
      advanceSeconds(EXPIRED_SECONDS)
      const answer = await browser.ask('/guarded')
      expect([answer.status, answer.json().code]).toEqual([401, 'login_required'])
      expect((await browser.open('/guarded')).location.pathname).toBe('/login')
      expect(tokenRequests('refresh_token')).toHaveLength(1)
    },
  },
  {
    rule: 'RFR-07 while the authorization server is down, a token that still lives serves on',
    needs,
    async run({ sandbox, visitor, advanceSeconds, tokenRequests }) {
      const browser = visitor()
      await browser.logIn()
      sandbox.fault({ at: 'token', kind: 'reset' })
      advanceSeconds(DUE_SECONDS)
      expect((await browser.ask('/guarded')).status).toBe(200)
      await vi.waitFor(() => expect(tokenRequests('refresh_token')).toHaveLength(1))
      expect((await browser.ask('/read')).json<FhirRead>().status).toBe(200)
    },
  },
  {
    rule: 'RFR-07 while the authorization server is down, an expired token is 503 with Retry-After, and the session stays',
    needs,
    async run({ sandbox, visitor, advanceSeconds }) {
      const browser = visitor()
      await browser.logIn()
      advanceSeconds(EXPIRED_SECONDS)
      sandbox.fault({ at: 'token', kind: 'status', status: 500, body: 'down' })
      const answer = await browser.ask('/guarded')
      expect([answer.status, answer.json().code]).toEqual([503, 'token_unavailable'])
      const retryAfterSeconds = Number(answer.headers.get('retry-after'))
      expect(retryAfterSeconds).toBeGreaterThan(0)
      expect((await browser.ask('/open')).json<Whoami>().loggedIn).toBe(false)
      sandbox.clearFaults()
      advanceSeconds(retryAfterSeconds)
      expect((await browser.ask('/guarded')).status).toBe(200)
    },
  },
  {
    rule: 'ERR-05 a token that the FHIR server refuses is renewed once, and the request sent again',
    async run({ sandbox, visitor, tokenRequests }) {
      const browser = visitor()
      await browser.logIn()
      sandbox.fault({ at: 'fhir', kind: 'status', status: 401, times: 1 })
      expect((await browser.ask('/read')).json<FhirRead>().status).toBe(200)
      expect(tokenRequests('refresh_token')).toHaveLength(1)
    },
  },
  {
    rule: 'ERR-05 a 403 of the FHIR server is handed on, and nothing is renewed',
    async run({ sandbox, visitor, tokenRequests }) {
      const browser = visitor()
      await browser.logIn()
      sandbox.fault({ at: 'fhir', kind: 'status', status: 403, body: '{}' })
      expect((await browser.ask('/read')).json<FhirRead>().status).toBe(403)
      expect(tokenRequests('refresh_token')).toEqual([])
    },
  },
  {
    rule: 'without a refresh token the session ends with its token',
    needs,
    app: { launch: { scope: 'openid fhirUser launch/patient patient/*.rs' } },
    async run({ visitor, advanceSeconds, tokenRequests }) {
      const browser = visitor()
      await browser.logIn()
      advanceSeconds(DUE_SECONDS)
      expect((await browser.ask('/guarded')).status).toBe(200)
      advanceSeconds(EXPIRED_SECONDS - DUE_SECONDS)
      expect((await browser.ask('/guarded')).status).toBe(401)
      expect(tokenRequests('refresh_token')).toEqual([])
    },
  },
]
