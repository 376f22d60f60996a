import { expect } from 'vitest'
import type { Whoami } from '../app/handlers.ts'
import type { ConformanceCase } from '../conformance-case.ts'
import { changedCallback, expectNoExchange, expectRefused } from './callback-checks.ts'

export const authorizationErrors: readonly ConformanceCase[] = [
  {
    rule: 'CB-06 ERR-04 a refusal by the person is told by its name',
    async run(world) {
      const browser = world.visitor()
      const url = await browser.logInUntilCallback('/login', { deny: true })
      const answer = await browser.ask(url.href)
      expectRefused(answer, 403, 'authorization_denied')
      expect(answer.json().error).toBe('access_denied')
      expectNoExchange(world)
    },
  },
  {
    rule: 'CB-06 SEC-02 ERR-07 an error of the server is not shown to a person, but for its link, when that is http',
    async run(world) {
      const answerTo = async (error_uri: string) => {
        const browser = world.visitor()
        const url = await browser.logInUntilCallback()
        url.searchParams.delete('code')
        const error = { error: 'server_error', error_description: '<img src=x onerror=alert(1)>', error_uri }
        for (const [name, value] of Object.entries(error)) url.searchParams.set(name, value)
        return browser.open(url.href)
      }
      const page = await answerTo('https://ehr.example/help?a="><script>')
      expect(page.status).toBe(502)
      expect(page.headers.get('content-type')).toMatch(/^text\/html/)
      // What the server wrote is for the operator.
      expect(page.text).not.toContain('img src=x')
      expect(page.text).toContain('href="https://ehr.example/help?a=')
      expect(page.text).not.toMatch(/<img|<script/)
      expect((await answerTo('javascript:alert(1)')).text).not.toContain('javascript:')
    },
  },
  {
    rule: 'CB-06 an error with a wrong state is not shown',
    async run(world) {
      const answer = await changedCallback(world, (query) => {
        query.delete('code')
        query.set('state', 'another-state')
        query.set('error', 'made-up-error')
      })
      expectRefused(answer, 400, 'state_mismatch')
      expect(answer.text).not.toContain('made-up-error')
    },
  },
  {
    rule: 'ERR-01 TOK-06 a code that the server refuses logs nobody in, and is not tried again',
    async run({ sandbox, visitor, tokenRequests }) {
      const browser = visitor()
      const { href } = await browser.logInUntilCallback()
      sandbox.fault({ at: 'token', kind: 'status', status: 400, body: '{"error":"invalid_grant"}' })
      const answer = await browser.ask(href)
      expectRefused(answer, 502, 'token_request_refused')
      expect(answer.json().error).toBe('invalid_grant')
      expect(tokenRequests('authorization_code')).toHaveLength(1)
      expect((await browser.ask('/guarded')).status).toBe(401)
    },
  },
  {
    rule: 'CB-06 a login that failed offers to log in again, and the page that was asked for is not forgotten',
    async run({ visitor }) {
      const browser = visitor()
      const { href } = await browser.logInUntilCallback('/guarded?a=1', { deny: true })
      const page = await browser.open(href)
      expect(page.status).toBe(403)
      const link = /href="([^"]*returnTo[^"]*)"/.exec(page.text)?.[1] ?? ''
      const back = await browser.logIn(link.replaceAll('&amp;', '&'))
      expect(new URL(browser.agent.history.at(-1)?.url ?? '').pathname).toMatch(/\/guarded$/)
      expect(back.json<Whoami>().loggedIn).toBe(true)
    },
  },
  {
    rule: 'a callback that failed offers a person to log in again',
    async run({ visitor }) {
      const page = await visitor().open('/callback?code=some-stray-code&state=some-state')
      expect(page.status).toBe(400)
      expect(page.headers.get('content-type')).toMatch(/^text\/html/)
      expect(page.text).toContain('href="/login"')
    },
  },
]
