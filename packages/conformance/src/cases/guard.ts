import { expect } from 'vitest'
import type { FhirRead, Whoami } from '../app/handlers.ts'
import type { ConformanceCase } from '../conformance-case.ts'

export const guard: readonly ConformanceCase[] = [
  {
    rule: 'a program without a login gets 401 as problem+json',
    async run({ visitor }) {
      const answer = await visitor().ask('/guarded')
      expect(answer.status).toBe(401)
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
      expect(answer.headers.get('www-authenticate')).toBe('Session')
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(answer.json()).toMatchObject({ status: 401, code: 'login_required', type: expect.stringContaining('#') })
    },
  },
  {
    rule: 'a browser that opens a page without a login is sent to log in, and comes back to that page',
    async run({ base, visitor }) {
      const { status, location } = await visitor().open('/guarded?a=1&b=%20x')
      expect(status).toBe(303)
      expect(location.origin + location.pathname).toBe(`${base}/login`)
      expect(location.searchParams.get('returnTo')).toBe(
        `${new URL(base).pathname.replace(/\/$/, '')}/guarded?a=1&b=%20x`,
      )
    },
  },
  {
    rule: 'a script that asks for HTML is refused with 401, since a redirect would lead it nowhere',
    async run({ visitor }) {
      const answer = await visitor().ask('/guarded', { headers: { accept: 'text/html' } })
      expect(answer.status).toBe(401)
      expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
    },
  },
  {
    rule: 'a route without a guard is open, and has no context without a login',
    async run({ visitor }) {
      const answer = await visitor().ask('/open')
      expect(answer.status).toBe(200)
      expect(answer.json<Whoami>().loggedIn).toBe(false)
    },
  },
  {
    rule: 'SCP-04 a scope within what was granted passes',
    app: { routes: [{ path: '/', handler: 'whoami' }, guarded({ scope: 'patient/Observation.r patient/Patient.rs' })] },
    async run({ visitor }) {
      const browser = visitor()
      await browser.logIn()
      expect((await browser.ask('/guarded')).status).toBe(200)
    },
  },
  {
    rule: 'SCP-10 ERR-05 a scope that was not granted is 403, named, and nothing is renewed or retried',
    app: {
      routes: [{ path: '/', handler: 'whoami' }, guarded({ scope: ['patient/Patient.r', 'patient/Observation.c'] })],
    },
    async run({ visitor, tokenRequests }) {
      const browser = visitor()
      await browser.logIn()
      const answer = await browser.ask('/guarded')
      expect(answer.status).toBe(403)
      expect(answer.json()).toMatchObject({
        code: 'insufficient_scope',
        detail: expect.stringContaining('patient/Observation.c'),
      })
      expect(answer.text).not.toContain('patient/Patient.r ')
      expect(tokenRequests('refresh_token')).toEqual([])
    },
  },
  {
    rule: 'RSP-12 a context that the login did not bring is 403',
    app: { routes: [{ path: '/', handler: 'whoami' }, guarded({ patient: true, encounter: true })] },
    async run({ visitor }) {
      const browser = visitor()
      await browser.logIn()
      const answer = await browser.ask('/guarded')
      expect(answer.status).toBe(403)
      expect(answer.json()).toMatchObject({ code: 'missing_context', detail: expect.stringContaining('encounter') })
    },
  },
  {
    rule: 'SEC-02 a person is refused by a page: not stored, and without script',
    app: { routes: [{ path: '/', handler: 'whoami' }, guarded({ scope: 'user/*.cruds' })] },
    async run({ visitor }) {
      const browser = visitor()
      await browser.logIn()
      const page = await browser.open('/guarded')
      expect(page.status).toBe(403)
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(page.headers.get('cache-control')).toBe('no-store')
      expect(page.text).not.toMatch(/insufficient_scope|user\/|127\.0\.0\.1:\d+\/fhir/)
      expect(page.text).not.toContain('<script')
    },
  },
  {
    rule: 'RSP-10 the token goes to no other server, and the handler is told so',
    async run({ sandbox, origin, visitor }) {
      const browser = visitor()
      await browser.logIn()
      const answer = await browser.ask(`/read?${new URLSearchParams({ read: `${origin}/open` })}`)
      expect(answer.status).toBe(500)
      const below = await browser.ask(
        `/read?${new URLSearchParams({ read: `${sandbox.fhirBaseUrl}/Patient/${sandbox.patients[0]?.id}` })}`,
      )
      expect(below.json<FhirRead>().status).toBe(200)
    },
  },
  {
    rule: 'login, launch and callback take GET, logout takes POST, and their 405 says so (RFC 9110 §15.5.6)',
    async run({ visitor }) {
      const browser = visitor()
      for (const path of ['/login', '/launch', '/callback']) {
        const answer = await browser.ask(path, { method: 'POST', body: new URLSearchParams({ a: 'b' }) })
        expect([path, answer.status, answer.json().code]).toEqual([path, 405, 'method_not_allowed'])
        expect(answer.headers.get('allow')).toBe('GET')
      }
      const answer = await browser.ask('/logout')
      expect([answer.status, answer.json().code]).toEqual([405, 'method_not_allowed'])
      expect(answer.headers.get('allow')).toBe('POST')
    },
  },
  {
    rule: 'no text of a visitor becomes a header that ends the request, or the process',
    async run({ visitor, base }) {
      const browser = visitor()
      await browser.logIn('/login')
      for (const launchId of ['%0d%0aset-cookie:%20a=b', '%00', '%E7%8E%8B', '%F0%9F%A9%BA', '%ED%A0%80']) {
        const referer = `${base}/page?launch_id=${launchId}`
        const headers = { referer, accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'same-origin' }
        const answer = await browser.ask('/guarded', { headers })
        expect([launchId, answer.status]).toEqual([launchId, 303])
        expect(answer.headers.get('set-cookie')).toBeNull()
      }
      expect((await browser.ask('/guarded')).status).toBe(200)
    },
  },
]

function guarded(requirement: object) {
  return { path: '/guarded', handler: 'whoami', requirement } as const
}
