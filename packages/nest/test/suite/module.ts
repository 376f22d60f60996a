import { createUserAgent, type Sandbox } from '@fhir-auth/sandbox'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { Test } from '@nestjs/testing'
import { describe, expect, it } from 'vitest'
import {
  FhirAuthModule,
  type FhirAuthModuleOptions,
  type FhirContext,
  FhirGuard,
  RequireFhir,
  RequireScopes,
  ScopeSet,
  SmartLaunch,
} from '../../src/index.ts'
import { adapterFor, listen, type Platform, startNestApp } from '../support/nest-app.ts'
import { PortalController, portalModule } from '../support/portal.ts'
import { launchOptions } from '../support/registrations.ts'

/** How the module fits into an app: its paths, its options, its tests. */
export function describeModule(platform: Platform, suite: { sandbox: Sandbox }): void {
  describe('paths', () => {
    it('lie under a global prefix as the redirect URI says', async () => {
      const smartLaunch = (origin: string) => launchOptions(suite.sandbox, `${origin}/api/callback`)
      const { origin } = await startNestApp(
        platform,
        (origin) => portalModule(suite.sandbox, { smartLaunch: smartLaunch(origin) })(origin),
        (app) => app.setGlobalPrefix('api'),
      )
      const browser = createUserAgent()
      const page = await browser.signIn(`${origin}/api/vitals?code=1`)
      expect([page.status, page.url]).toEqual([200, `${origin}/api/vitals?code=1`])
      expect(browser.history.map(({ url }) => url)).toContainEqual(expect.stringContaining('/api/login?returnTo='))
      expect((await browser.request(`${origin}/callback`)).status).toBe(404)
    })

    it('lie outside a global prefix as the redirect URI says', async () => {
      const { origin } = await startNestApp(platform, portalModule(suite.sandbox), (app) => app.setGlobalPrefix('api'))
      const browser = createUserAgent()
      const page = await browser.signIn(`${origin}/api/vitals`)
      expect([page.status, page.url]).toEqual([200, `${origin}/api/vitals`])
      expect((await browser.request(`${origin}/api/callback`)).status).toBe(404)
    })

    it.runIf(platform === 'express')('have the path under which the whole app is mounted before them', async () => {
      const module = (origin: string) =>
        portalModule(suite.sandbox, { smartLaunch: launchOptions(suite.sandbox, `${origin}/ehr/callback`) })(origin)
      const { origin } = await listen(async (origin) => {
        const inner = await NestFactory.create(module(origin), new ExpressAdapter(), { logger: false })
        await inner.init()
        const outer = new ExpressAdapter()
        outer.use('/ehr', inner.getHttpAdapter().getInstance())
        return NestFactory.create(class OuterModule {}, outer, { logger: false })
      })
      const page = await createUserAgent().signIn(`${origin}/ehr/vitals`)
      expect([page.status, page.url]).toEqual([200, `${origin}/ehr/vitals`])
    })
  })

  describe('the module', () => {
    it('takes its options from a provider of another module', async () => {
      const SETTINGS = Symbol('settings')
      const { origin } = await startNestApp(platform, (origin) => {
        const settings = { provide: SETTINGS, useValue: launchOptions(suite.sandbox, `${origin}/callback`) }
        const SettingsModule = { module: class SettingsModule {}, providers: [settings], exports: [SETTINGS] }
        return {
          module: class AppModule {},
          controllers: [PortalController],
          imports: [
            FhirAuthModule.forRootAsync({
              imports: [SettingsModule],
              inject: [SETTINGS],
              useFactory: (smartLaunch: ReturnType<typeof launchOptions>) => ({ smartLaunch }),
            }),
          ],
        }
      })
      expect((await createUserAgent().signIn(`${origin}/vitals`)).status).toBe(200)
    })

    it('refuses to start without an option, or with one that cannot work', async () => {
      const start = (options: FhirAuthModuleOptions) =>
        startNestApp(platform, () => ({ module: class AppModule {}, imports: [FhirAuthModule.forRoot(options)] }))
      await expect(start({})).rejects.toMatchObject({ code: 'invalid_option' })
      const smartLaunch = { ...launchOptions(suite.sandbox, 'http://127.0.0.1/callback'), clientId: undefined }
      await expect(start({ smartLaunch })).rejects.toThrow('clientId')
    })

    it('a decorator refuses what is no scope when the class is defined', () => {
      expect(() => RequireScopes('patient/Observation.everything')).toThrow('is not a SMART scope')
      expect(() => RequireFhir({ scopes: 'patient/*.rs' } as object)).toThrow('Did you mean "scope"?')
    })
  })

  describe('in tests of an app', () => {
    const testApp = (change: (module: ReturnType<typeof Test.createTestingModule>) => typeof module) =>
      listen(async (origin) => {
        const module = await change(
          Test.createTestingModule({ imports: [portalModule(suite.sandbox)(origin)] }),
        ).compile()
        return module.createNestApplication(adapterFor(platform), { logger: false })
      })

    it('SmartLaunch can be overridden with a person who is logged in', async () => {
      const fhir = {
        launchId: 'test-launch',
        patient: 'test-patient',
        scope: ScopeSet.parse('patient/*.rs'),
      } as FhirContext
      const loggedIn = { kind: 'launch', handles: () => false, contextFor: () => fhir }
      const { origin } = await testApp((module) => module.overrideProvider(SmartLaunch).useValue(loggedIn))
      expect(await (await fetch(`${origin}/open`)).json()).toEqual({ patient: 'test-patient' })
      expect((await fetch(`${origin}/conditions`)).status).toBe(200)
      expect((await fetch(`${origin}/encounter`)).status).toBe(403)
    })

    it('FhirGuard can be overridden, with the decorators too', async () => {
      const { origin } = await testApp((module) =>
        module.overrideGuard(FhirGuard).useValue({ canActivate: () => true }),
      )
      expect((await fetch(`${origin}/conditions`)).status).toBe(200)
    })
  })
}
