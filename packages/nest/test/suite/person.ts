import { createUserAgent, type Sandbox } from '@fhir-auth/sandbox'
import { APP_GUARD } from '@nestjs/core'
import { describe, expect, it } from 'vitest'
import { createSmartLaunch, FhirGuard } from '../../src/index.ts'
import { type Platform, startNestApp } from '../support/nest-app.ts'
import { PortalController, portalModule } from '../support/portal.ts'
import { launchOptions } from '../support/registrations.ts'

const JSON_ONLY = { headers: { accept: 'application/json' } }

async function codeOf(problem: Response): Promise<unknown> {
  return ((await problem.json()) as { code?: unknown }).code
}

/** A person logs in, and the guard keeps others out. */
export function describePerson(platform: Platform, suite: { sandbox: Sandbox }): void {
  describe('a person', () => {
    it('logs in, reads FHIR, and logs out by a plain form', async () => {
      const { origin } = await startNestApp(platform, portalModule(suite.sandbox))
      const browser = createUserAgent()
      const page = await browser.signIn(`${origin}/vitals?code=8867-4`, { patient: 'amber-testwell' })
      expect([page.status, page.url]).toEqual([200, `${origin}/vitals?code=8867-4`])
      expect(await page.json()).toMatchObject({ resourceType: 'Bundle' })
      expect(await (await browser.visit(`${origin}/open`)).json()).toEqual({ patient: 'amber-testwell' })

      const form = { method: 'POST', headers: { origin }, body: new URLSearchParams({ button: 'Log out' }) }
      const logout = await browser.request(`${origin}/logout`, form)
      expect([logout.status, logout.headers.get('location')]).toEqual([303, '/'])
      expect(await (await browser.visit(`${origin}/open`)).json()).toEqual({ patient: null })
    })

    it('has no context where nobody is logged in, and an unguarded route answers all the same', async () => {
      const { origin } = await startNestApp(platform, portalModule(suite.sandbox))
      expect(await (await fetch(`${origin}/open`)).json()).toEqual({ patient: null })
    })

    it('an instance made by core serves in place of options', async () => {
      const module = (origin: string) =>
        portalModule(suite.sandbox, {
          smartLaunch: createSmartLaunch(launchOptions(suite.sandbox, `${origin}/callback`)),
        })(origin)
      const { origin } = await startNestApp(platform, module)
      expect((await createUserAgent().signIn(`${origin}/vitals`)).status).toBe(200)
    })
  })

  describe('FhirGuard', () => {
    it('a program gets 401 as problem+json, not to be stored', async () => {
      const { origin } = await startNestApp(platform, portalModule(suite.sandbox))
      const answer = await fetch(`${origin}/vitals`)
      expect(answer.status).toBe(401)
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json\b/)
      expect(answer.headers.get('www-authenticate')).toBe('Session')
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(await answer.json()).toMatchObject({ status: 401, code: 'login_required' })
    })

    it('a browser is redirected to login, and comes back to the page with its query', async () => {
      const { origin } = await startNestApp(platform, portalModule(suite.sandbox))
      const answer = await createUserAgent().request(`${origin}/vitals?code=8867-4`)
      expect(answer.status).toBe(303)
      expect(answer.headers.get('location')).toBe('/login?returnTo=%2Fvitals%3Fcode%3D8867-4')
      expect(await answer.text()).toBe('')
    })

    it('a scope or launch context that is not there is 403, as a page for a person', async () => {
      const { origin } = await startNestApp(platform, portalModule(suite.sandbox))
      const browser = createUserAgent()
      await browser.signIn(`${origin}/vitals`)
      const refused = await browser.request(`${origin}/conditions`, JSON_ONLY)
      expect([refused.status, await codeOf(refused)]).toEqual([403, 'insufficient_scope'])
      const noEncounter = await browser.request(`${origin}/encounter`, JSON_ONLY)
      expect([noEncounter.status, await codeOf(noEncounter)]).toEqual([403, 'missing_context'])
      const page = await browser.request(`${origin}/conditions`)
      expect([page.status, page.headers.get('content-type')]).toEqual([403, 'text/html; charset=utf-8'])
      expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(await page.text()).toContain('<!doctype html>')
    })

    it('decorators of a class, its base and its method add up, in any order', async () => {
      const { origin } = await startNestApp(platform, portalModule(suite.sandbox))
      const browser = createUserAgent()
      await browser.signIn(`${origin}/vitals`)
      const status = async (path: string) => (await browser.request(`${origin}/${path}`)).status
      expect(await status('both-passed')).toBe(200)
      expect(await status('first-fails')).toBe(403)
      expect(await status('second-fails')).toBe(403)
      expect(await status('combined/class')).toBe(200)
      expect(await status('combined/method')).toBe(403)
      expect(await status('inherited')).toBe(403)
    })

    it('a decorator guards by itself, also a whole controller', async () => {
      const { origin } = await startNestApp(platform, portalModule(suite.sandbox))
      for (const path of ['conditions', 'combined/class', 'inherited']) {
        expect((await fetch(`${origin}/${path}`)).status).toBe(401)
      }
    })

    it('guards a whole app as APP_GUARD', async () => {
      const providers = [{ provide: APP_GUARD, useClass: FhirGuard }]
      const { origin } = await startNestApp(platform, portalModule(suite.sandbox, {}, { providers }))
      expect((await fetch(`${origin}/open`)).status).toBe(401)
      expect((await createUserAgent().signIn(`${origin}/open`)).status).toBe(200)
    })

    it('lets nobody pass where no FhirAuthModule is imported', async () => {
      const { origin } = await startNestApp(platform, () => ({
        module: class AppModule {},
        controllers: [PortalController],
      }))
      expect((await fetch(`${origin}/vitals`)).status).toBe(500)
    })

    it('refuses a handler that is not HTTP', () => {
      const context = { getType: () => 'rpc' } as unknown as Parameters<FhirGuard['canActivate']>[0]
      expect(() => new FhirGuard().canActivate(context)).toThrow('work in HTTP handlers only')
    })
  })
}
