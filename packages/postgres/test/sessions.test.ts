import {
  type PostgresServer,
  postgresIsMissing,
  startNodeApp,
  startPostgresServer,
  Visitor,
} from '@fhir-auth/conformance'
import { clientSecretBasic, requireFhir, smartLaunch } from '@fhir-auth/express'
import { createSandbox, type Sandbox } from '@fhir-auth/sandbox'
import express from 'express'
import { Pool } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type PostgresPool, postgresStore } from '../src/index.ts'

describe.skipIf(postgresIsMissing())('sessions of an app with two instances', () => {
  const clientSecret = crypto.randomUUID()
  const sessionSecret = crypto.randomUUID() + crypto.randomUUID()
  let server: PostgresServer
  let sandbox: Sandbox
  let pool: Pool
  let table: string
  const redirectUris: string[] = []
  let browser: Visitor
  /** The other instance. */
  let otherDoor: string
  let statements: string[]
  let toClose: (() => unknown)[]

  beforeAll(async () => {
    server = await startPostgresServer()
    sandbox = await createSandbox()
    pool = new Pool({ connectionString: server.url })
  })
  afterAll(async () => {
    await pool.end()
    await sandbox.close()
    await server.close()
  })
  beforeEach(async () => {
    table = `t_${crypto.randomUUID().replaceAll('-', '_')}`
    statements = []
    toClose = []
    await postgresStore(pool, { table }).migrate()
    const watched: PostgresPool = {
      totalCount: 1,
      query: (query) => {
        statements.push(query.text.split(' ')[0] ?? '')
        return pool.query(query)
      },
    }
    browser = new Visitor(await startInstance(watched))
    otherDoor = await startInstance(pool)
    return async () => {
      for (const close of toClose) await close()
      await pool.query(`DROP TABLE ${table}`)
    }
  })

  it('whoever has logged in at one is known at the other, and logged out at both', async () => {
    await browser.logIn()
    // The cookie as somebody may have copied it.
    const headers = { cookie: browser.cookieHeader, accept: 'application/json' }
    const page = await fetch(`${otherDoor}/patient`, { headers })
    expect(await page.json()).toEqual({ patient: expect.any(String) })
    expect((await browser.logOut()).status).toBeLessThan(400)
    expect((await fetch(`${otherDoor}/patient`, { headers })).status).toBe(401)
  })

  it('PostgreSQL sees no cookie and no token, and keeps nothing without an end', async () => {
    await browser.logIn()
    const { accessToken } = (await browser.ask('/token')).json<{ accessToken: string }>()
    const secrets = [accessToken, browser.sessionCookie ?? ''].flatMap((secret) => [secret, btoa(secret)])
    expect(Math.min(...secrets.map(({ length }) => length))).toBeGreaterThan(20)
    const { rows } = await pool.query(`SELECT *, isfinite(expires_at) AS "hasEnd" FROM ${table}`)
    expect(rows.length).toBeGreaterThan(0)
    for (const { key, value, hasEnd } of rows) {
      for (const secret of secrets) expect(`${key} ${value}`).not.toContain(secret)
      expect(hasEnd).toBe(true)
    }
  })

  it('a request asks PostgreSQL once', async () => {
    await browser.logIn()
    await browser.ask('/patient')
    statements.splice(0)
    for (let request = 0; request < 5; request++) expect((await browser.ask('/patient')).status).toBe(200)
    expect(statements).toEqual(Array.from({ length: 5 }, () => 'SELECT'))
  })

  async function startInstance(pool: PostgresPool): Promise<string> {
    const { origin, close } = await startNodeApp((origin) => {
      redirectUris.push(`${origin}/callback`)
      sandbox.registerClient({ clientId: 'portal', clientSecret, redirectUris })
      const launch = smartLaunch({
        fhirBaseUrl: sandbox.fhirBaseUrl,
        clientId: 'portal',
        clientAuth: clientSecretBasic(clientSecret),
        redirectUri: `${origin}/callback`,
        scope: 'openid fhirUser launch/patient patient/*.rs offline_access',
        session: { secret: sessionSecret, store: postgresStore(pool, { table }) },
      })
      return express()
        .use(launch)
        .get('/patient', requireFhir(), (req, res) => void res.json({ patient: req.fhir?.patient }))
        .get('/token', requireFhir(), (req, res) => void res.json({ accessToken: req.fhir?.accessToken }))
    })
    toClose.push(close)
    return origin
  }
})
