import { createUserAgent, type Sandbox } from '@fhir-auth/sandbox'
import { Test } from '@nestjs/testing'
import { describe, expect, it } from 'vitest'
import { createBackendServices, FhirAuthModule } from '../../src/index.ts'
import { CountModule } from '../support/count.ts'
import { adapterFor, listen, type Platform, startNestApp } from '../support/nest-app.ts'
import { PortalController } from '../support/portal.ts'
import { backendOptions, launchOptions } from '../support/registrations.ts'
import { clinicModule, emittedTypes } from '../with-emitted-metadata/clinic.module.ts'

/** A system signs for itself. */
export function describeBackend(platform: Platform, suite: { sandbox: Sandbox }): void {
  describe('backend services', () => {
    it('serve the JWKS and give each request the system token, and services an instance', async () => {
      const { origin } = await startNestApp(platform, (origin) => ({
        module: class AppModule {},
        imports: [
          CountModule,
          FhirAuthModule.forRootAsync({
            isGlobal: true,
            useFactory: async () => ({ backendServices: await backendOptions(suite.sandbox, origin) }),
          }),
        ],
      }))
      const jwks = await fetch(`${origin}/.well-known/jwks.json`)
      expect(jwks.headers.get('content-type')).toBe('application/json')
      expect(await jwks.json()).toEqual({ keys: [expect.objectContaining({ kty: 'EC', crv: 'P-384' })] })
      expect(await (await fetch(`${origin}/count`)).json()).toEqual({ scope: 'system/Patient.rs' })
      expect(await (await fetch(`${origin}/count/guarded`)).json()).toEqual({ scope: 'system/Patient.rs' })
    })

    it('a token that the app does not get is 503 or 502 with Retry-After, on guarded routes alone', async () => {
      const { origin } = await startNestApp(platform, (origin) => ({
        module: class AppModule {},
        controllers: [PortalController],
        imports: [
          FhirAuthModule.forRootAsync({
            useFactory: async () => ({ backendServices: await backendOptions(suite.sandbox, origin) }),
          }),
        ],
      }))
      suite.sandbox.fault({ at: 'token', kind: 'status', status: 503, headers: { 'retry-after': '7' } })
      const refused = await fetch(`${origin}/vitals`)
      expect([502, 503]).toContain(refused.status)
      expect(refused.headers.get('retry-after')).toBe('7')
      expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json\b/)
      expect((await fetch(`${origin}/open`)).status).toBe(200)
    })

    it('let a token request end when the app is closed', async () => {
      const backend = createBackendServices(await backendOptions(suite.sandbox, 'http://127.0.0.1:1'))
      const { app } = await startNestApp(platform, () => ({
        module: class AppModule {},
        imports: [FhirAuthModule.forRoot({ backendServices: backend })],
      }))
      suite.sandbox.fault({ at: 'token', kind: 'slow', seconds: 0.3, times: 1 })
      let isOver = false
      const job = Promise.resolve(backend.context()).finally(() => {
        isOver = true
      })
      job.catch(() => {}) // nobody serves its JWKS: only the end of the request counts here
      await app.close()
      expect(isOver).toBe(true)
    })

    it('never give a person the rights of the system', async () => {
      const { origin } = await startNestApp(platform, (origin) => ({
        module: class AppModule {},
        imports: [
          CountModule,
          FhirAuthModule.forRootAsync({
            isGlobal: true,
            useFactory: async () => ({
              smartLaunch: launchOptions(suite.sandbox, `${origin}/callback`),
              backendServices: createBackendServices(await backendOptions(suite.sandbox, origin)),
            }),
          }),
        ],
      }))
      expect((await fetch(`${origin}/count/guarded`)).status).toBe(401)
      const person = createUserAgent()
      await person.signIn(`${origin}/login?returnTo=/count`)
      expect((await person.request(`${origin}/count/guarded`)).status).toBe(403)
      expect(await (await person.request(`${origin}/count`)).json()).toEqual({ scope: 'system/Patient.rs' })
    })

    it('work where the compiler emits metadata, and nothing is injected by name', async () => {
      const { origin } = await listen(async (origin) => {
        const module = clinicModule(await backendOptions(suite.sandbox, origin))
        const compiled = await Test.createTestingModule({ imports: [module] }).compile()
        return compiled.createNestApplication(adapterFor(platform), { logger: false })
      })
      expect(emittedTypes).toEqual([expect.any(Function)])
      const counted = { count: suite.sandbox.patients.length, scope: 'system/Patient.rs' }
      expect(await (await fetch(`${origin}/count`)).json()).toEqual(counted)
    })
  })
}
