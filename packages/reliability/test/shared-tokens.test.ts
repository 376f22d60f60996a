import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSandbox, type Sandbox } from '@fhir-auth/sandbox'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type InstalledPackages, installPackages } from '../../cli/test/support/installed-packages.ts'
import { type StoreServer, storeKinds } from './shared-store.ts'
import { type ColdStart, startTokenProcess, type TokenProcess } from './token-process.ts'

const PROCESSES = 8
const CALLERS = 1000

for (const kind of Object.values(storeKinds)) {
  describe.skipIf(kind.isMissing())(`backend tokens of 8 processes on one ${kind.title}`, () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    const named = (key: object) => ({ ...key, kid: 'job', alg: 'ES384' })
    let app: InstalledPackages
    let store: StoreServer
    let processes: TokenProcess[] = []
    beforeAll(async () => {
      const dependencies = [
        ['core', 'jose'],
        ['redis', 'redis'],
        ['postgres', 'pg'],
      ] as const
      app = installPackages(['core', 'redis', 'postgres'], dependencies)
      const script = join(app.root, 'token-worker.mjs')
      copyFileSync(join(import.meta.dirname, 'token-worker.mjs'), script)
      store = await kind.start()
      const settings = {
        store: kind.name,
        storeUrl: store.url,
        secret: randomBytes(32).toString('base64url'),
        privateJwk: named(privateKey.export({ format: 'jwk' })),
      }
      processes = await Promise.all(Array.from({ length: PROCESSES }, () => startTokenProcess(script, settings)))
    })
    afterAll(async () => {
      await Promise.all(processes.map((process) => process.kill()))
      await store?.close()
      app?.remove()
    })

    const startServer = async (accessTokenSeconds = 300) => {
      const jwks = { keys: [named(publicKey.export({ format: 'jwk' }))] }
      const sandbox = await createSandbox({ accessTokenSeconds, clients: [{ clientId: 'job', jwks }] })
      onTestFinished(() => sandbox.close())
      return sandbox
    }
    const coldStart = ({ fhirBaseUrl }: Sandbox, calls: Omit<ColdStart, 'registration'>) => {
      const registration = { fhirBaseUrl, clientId: 'job', scope: 'system/Patient.rs' }
      return Promise.all(processes.map((process) => process.coldStart({ registration, ...calls })))
    }

    it('cold start with 1,000 callers each: one token request', async () => {
      const sandbox = await startServer()
      // Slow enough that all have asked before there is an answer.
      sandbox.fault({ at: 'token', kind: 'slow', seconds: 0.5 })
      expect(await coldStart(sandbox, { callers: CALLERS })).toEqual(processes.map(() => CALLERS))
      expect(sandbox.requestsTo('/token')).toHaveLength(1)
      expect(new Set(processes.flatMap(({ tokens }) => tokens)).size).toBe(1)
    })

    it('then one renewal per period: each process uses each token that was issued, in that order', {
      timeout: 60_000,
    }, async () => {
      // Long enough that a process which waits for a processor for a second misses no token.
      const sandbox = await startServer(6)
      const issued: unknown[] = []
      sandbox.fault({ at: 'token', kind: 'json', patch: ({ access_token }) => void issued.push(access_token) })
      await coldStart(sandbox, { callers: 10, everyMilliseconds: 20 })
      const TOKENS = 4
      const enough = () => processes.every(({ tokens }) => tokens.length >= TOKENS)
      await vi.waitUntil(enough, { timeout: 45_000 })
      // Of two renewals in one period, each process would use one token alone.
      const used = processes.map(({ tokens }) => tokens.slice(0, TOKENS).map((token) => issued.indexOf(token)))
      expect(used).toEqual(processes.map(() => [0, 1, 2, 3]))
    })

    it('where it hangs, each process asks for itself, and all callers are served', async () => {
      const sandbox = await startServer()
      store.pause()
      onTestFinished(() => store.resume())
      expect(await coldStart(sandbox, { callers: CALLERS })).toEqual(processes.map(() => CALLERS))
      expect(sandbox.requestsTo('/token')).toHaveLength(PROCESSES)
    })

    it('where it is down, each process asks for itself, and all callers are served', async () => {
      const sandbox = await startServer()
      await store.kill()
      expect(await coldStart(sandbox, { callers: CALLERS })).toEqual(processes.map(() => CALLERS))
      expect(sandbox.requestsTo('/token')).toHaveLength(PROCESSES)
    })
  })
}
