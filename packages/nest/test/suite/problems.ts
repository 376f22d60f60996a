import { createUserAgent, type Sandbox } from '@fhir-auth/sandbox'
import {
  type ArgumentsHost,
  Catch,
  HttpException,
  type HttpServer,
  type INestApplication,
  type ModuleMetadata,
} from '@nestjs/common'
import { APP_FILTER, BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core'
import { Test } from '@nestjs/testing'
import { describe, expect, it } from 'vitest'
import { FhirExceptionFilter } from '../../src/fhir-exception.filter.ts'
import { FhirAuthError, type FhirAuthModuleOptions, FhirException, SmartLaunch } from '../../src/index.ts'
import { KeptContextController } from '../support/kept-context.ts'
import { adapterFor, listen, type Platform, startNestApp } from '../support/nest-app.ts'
import { OwnFilter } from '../support/own-filter.ts'
import { portalModule } from '../support/portal.ts'

const HTML = { accept: 'text/html' }
const JSON_ONLY = { accept: 'application/json' }

/** Who answers what went wrong. */
export function describeProblems(platform: Platform, suite: { sandbox: Sandbox }): void {
  /** An app that has kept the context of a person who is gone. */
  const startKept = async (
    options: Partial<FhirAuthModuleOptions> = {},
    more: ModuleMetadata = {},
    prepare?: (app: INestApplication) => void,
  ) => {
    const module = portalModule(suite.sandbox, options, { controllers: [KeptContextController], ...more })
    const { origin } = await startNestApp(platform, module, prepare)
    const browser = createUserAgent()
    await browser.signIn(`${origin}/login?returnTo=/kept`)
    const kept = await browser.request(`${origin}/kept`)
    expect(await kept.json()).toEqual({ status: 200 })
    const form = { method: 'POST', headers: { origin }, body: new URLSearchParams({ button: 'Log out' }) }
    expect((await browser.request(`${origin}/logout`, form)).status).toBe(303)
    return { origin, browser }
  }

  describe('problems', () => {
    it('an exception filter of the app sees a Nest exception, and its answer keeps the headers', async () => {
      const { origin } = await startNestApp(platform, portalModule(suite.sandbox), (app) => {
        app.useGlobalFilters(new OwnFilter(app.get(HttpAdapterHost)))
      })
      const refused = await fetch(`${origin}/vitals`)
      expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Session'])
      expect(refused.headers.get('content-type')).toMatch(/^application\/json\b/)
      expect(await refused.json()).toEqual({
        seen: 'FhirException',
        message: expect.stringContaining('Nobody is logged in'),
        response: expect.objectContaining({ status: 401, code: 'login_required' }),
      })
      const redirect = await createUserAgent().request(`${origin}/vitals`)
      expect([redirect.status, redirect.headers.get('location')]).toEqual([303, '/login?returnTo=%2Fvitals'])
    })

    it('of the auth paths are answered at once, whatever filters there are', async () => {
      const { origin } = await startNestApp(platform, portalModule(suite.sandbox), (app) => {
        app.useGlobalFilters(new OwnFilter(app.get(HttpAdapterHost)))
      })
      const answer = await fetch(`${origin}/callback?state=unknown&code=a`)
      expect([answer.status, answer.headers.get('content-type')]).toEqual([400, 'application/problem+json'])
      const page = await fetch(`${origin}/callback`, { headers: HTML })
      expect([page.status, page.headers.get('content-type')]).toEqual([400, 'text/html; charset=utf-8'])
    })

    it("with 'forward' each goes to the app's filters, cookies and cause included", async () => {
      const providers = [{ provide: APP_FILTER, useClass: OwnFilter }]
      const { origin } = await startNestApp(
        platform,
        portalModule(suite.sandbox, { problems: 'forward' }, { providers }),
      )
      const refused = await fetch(`${origin}/vitals`)
      expect(refused.status).toBe(401)
      expect(await refused.json()).toMatchObject({ seen: 'FhirException' })
      const browser = createUserAgent()
      const login = await browser.request(`${origin}/login`)
      const state = new URL(login.headers.get('location') ?? '').searchParams.get('state')
      const callback = await browser.request(`${origin}/callback?error=access_denied&state=${state}`)
      expect(callback.status).toBe(400)
      expect(callback.headers.getSetCookie()).toEqual([expect.stringContaining('Max-Age=0')])
      expect(await callback.json()).toMatchObject({ seen: 'FhirException', response: { status: 400 } })
    })

    it("with 'forward' and no filter, Nest's own answers with status and problem", async () => {
      const { origin } = await startNestApp(platform, portalModule(suite.sandbox, { problems: 'forward' }))
      const refused = await fetch(`${origin}/vitals`, { headers: { accept: 'text/html', 'sec-fetch-mode': 'cors' } })
      expect([refused.status, refused.headers.get('content-type')]).toEqual([
        401,
        expect.stringMatching(/^application\/json\b/),
      ])
      expect(await refused.json()).toMatchObject({ code: 'login_required' })
      const callback = await fetch(`${origin}/callback`)
      expect(callback.status).toBe(400)
      expect(await callback.json()).toMatchObject({ status: 400 })
    })

    it('the exception carries the FhirAuthError as its cause', () => {
      const error = new FhirAuthError('insufficient_scope', 'Not granted.')
      const parts = { status: 403, headers: {}, cookies: [], body: '' }
      const exception = new FhirException({ kind: 'problem', error, ...parts })
      expect(exception).toBeInstanceOf(HttpException)
      expect(exception.cause).toBe(error)
      expect(exception.message).toBe('Not granted.')
    })

    it('an error of fhir.fetch in a handler is answered by its status: the session has ended meanwhile', async () => {
      const { origin, browser } = await startKept()
      const answer = await browser.request(`${origin}/kept`, { headers: JSON_ONLY })
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Session'])
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json\b/)
      expect(await answer.json()).toMatchObject({ status: 401, code: 'session_ended' })
      const page = await browser.request(`${origin}/kept`, { headers: HTML })
      expect([page.status, page.headers.get('content-type')]).toEqual([401, 'text/html; charset=utf-8'])
      expect(await page.text()).toContain('Please log in')
    })

    it('an error that is a mistake of the app is 500 without its words', async () => {
      const { origin, browser } = await startKept()
      const answer = await browser.request(`${origin}/elsewhere`, { headers: JSON_ONLY })
      expect([answer.status, await answer.json()]).toEqual([500, { statusCode: 500, message: 'Internal server error' }])
    })

    it("with 'forward' an error in a handler goes to the app's filters as it is", async () => {
      const seen: unknown[] = []
      @Catch()
      class SeeingFilter {
        catch(error: unknown, context: ArgumentsHost) {
          seen.push(error)
          new BaseExceptionFilter(adapter).catch(error, context)
        }
      }
      let adapter: HttpServer | undefined
      const providers = [{ provide: APP_FILTER, useClass: SeeingFilter }]
      const { origin, browser } = await startKept({ problems: 'forward' }, { providers }, (app) => {
        adapter = app.getHttpAdapter()
      })
      const answer = await browser.request(`${origin}/kept`, { headers: JSON_ONLY })
      expect(answer.status).toBe(500)
      expect(seen).toEqual([expect.any(FhirAuthError)])
    })

    it('an error in a handler that is not HTTP is thrown on', () => {
      const filter = new FhirExceptionFilter({} as HttpAdapterHost)
      const error = new FhirAuthError('session_ended', 'The session has ended.')
      const context = { getType: () => 'graphql' } as unknown as ArgumentsHost
      expect(() => filter.catch(error, context)).toThrow(error)
    })

    it("an unexpected error goes Nest's way, on an auth path and on a guarded route", async () => {
      const fault = new RangeError('a fault of the app')
      const broken = {
        kind: 'launch',
        handles: (url: string) => url.startsWith('/callback'),
        answer: () => Promise.reject(fault),
        contextFor: () => Promise.reject(fault),
      }
      const { origin } = await listen(async (origin) => {
        const module = Test.createTestingModule({ imports: [portalModule(suite.sandbox)(origin)] })
        const compiled = await module.overrideProvider(SmartLaunch).useValue(broken).compile()
        return compiled.createNestApplication(adapterFor(platform), { logger: false })
      })
      for (const path of ['callback', 'vitals']) {
        const answer = await fetch(`${origin}/${path}`)
        expect([answer.status, await answer.json()]).toEqual([
          500,
          { statusCode: 500, message: 'Internal server error' },
        ])
      }
      expect(await (await fetch(`${origin}/open`)).json()).toEqual({ patient: null })
    })
  })
}
