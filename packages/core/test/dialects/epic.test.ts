import { describe, expect, it } from 'vitest'
import {
  clientSecretBasic,
  clientSecretPost,
  createBackendServices,
  epic,
  loadKeySet,
  privateKeyJwt,
  smart,
} from '../../src/index.ts'
import { failureOf } from '../support/failure-of.ts'
import { loggedIn, look, startPortal } from '../support/portal-world.ts'
import { ecJwk, readJwt, rsaJwk } from '../support/signing-jwks.ts'
import { sendJson, startTokenServer } from '../support/token-server.ts'

describe('epic(): a person logs in', () => {
  it('AUTH-B2 AUTH-B1 id and secret stand raw in the Basic header, whatever characters they have', async () => {
    const secret = 'a+b/c%20=:d'
    const portal = await startPortal({ dialect: epic(), clientAuth: clientSecretBasic(secret) }, { consent: 'auto' })
    const redirectUris = [`${portal.origin}/callback`]
    portal.sandbox.registerClient({ clientId: 'portal', clientSecret: secret, redirectUris })
    await loggedIn(portal)

    const [exchange] = portal.tokenRequests('authorization_code')
    const header = `Basic ${Buffer.from(`portal:${secret}`).toString('base64')}`
    expect([exchange?.headers.authorization, exchange?.status]).toEqual([header, 200])
  })

  it('AUTHZ-01 TOK-05 asks for exactly what smart() asks for', async () => {
    const shapes = []
    for (const dialect of [epic(), smart()]) {
      const portal = await startPortal({ dialect }, { consent: 'auto' })
      await loggedIn(portal)
      const [authorization] = portal.sandbox.requestsTo('/authorize')
      const [exchange] = portal.tokenRequests()
      shapes.push([[...(authorization?.query.keys() ?? [])].sort(), [...(exchange?.form.keys() ?? [])].sort()])
    }
    expect(shapes[0]).toEqual(shapes[1])
    expect(shapes[0]?.[1]).toEqual(['code', 'code_verifier', 'grant_type', 'redirect_uri'])
  })

  it('RFR-05 uses a refresh token that came although the granted scope lacks offline_access', async () => {
    const portal = await startPortal({ dialect: epic() }, { consent: 'auto' })
    portal.sandbox.fault({
      at: 'token',
      kind: 'json',
      patch: (body) => ({ ...body, scope: String(body.scope).replace(' offline_access', '') }),
    })
    const browser = await loggedIn(portal)
    portal.advanceSeconds(600)
    const { seen } = await look(browser, `${portal.origin}/page`)
    expect(portal.tokenRequests('refresh_token').map(({ status }) => status)).toEqual([200])
    expect(seen?.patient).toBeDefined()
  })
})

describe('epic(): a system gets a token', () => {
  it.each([
    ['RS384', () => rsaJwk()],
    ['ES384', () => ecJwk('P-384')],
    ['ES256', () => ecJwk('P-256')],
  ])('JWT-02 JWT-03 JWT-07 JWT-09 signs with %s, as the server publishes no algorithms', async (alg, key) => {
    const server = await startTokenServer()
    const { fhirBaseUrl, tokenEndpoint } = server
    const keys = await loadKeySet(key())
    const backend = createBackendServices({
      fhirBaseUrl,
      clientId: 'job',
      keys,
      dialect: epic(),
      scope: 'system/Patient.rs',
    })
    await backend.context()
    const { header, claims } = readJwt(server.tokenRequests[0]?.form.get('client_assertion'))
    expect(header).toEqual({ alg, typ: 'JWT', kid: keys.signingKey().kid })
    expect(claims).toMatchObject({ iss: 'job', sub: 'job', aud: tokenEndpoint })
    expect(Number(claims.exp) - Number(claims.iat)).toBeLessThanOrEqual(300)
  })

  it('ERR-01 an error_description of null counts as missing', async () => {
    const server = await startTokenServer((_, response) =>
      sendJson(response, { error: 'invalid_client', error_description: null, error_uri: null }, 400),
    )
    const backend = createBackendServices({
      fhirBaseUrl: server.fhirBaseUrl,
      clientId: 'job',
      keys: await loadKeySet(rsaJwk()),
      dialect: epic(),
      scope: 'system/Patient.rs',
    })
    const failure = await failureOf(() => backend.context())
    expect([failure.error, failure.error_description, failure.error_uri]).toEqual([
      'invalid_client',
      undefined,
      undefined,
    ])
    expect(failure.message).toMatch(/answered 400: invalid_client\. Check clientId, and that the JWKS registered/)
  })

  it.each([
    ['client_secret_basic', () => clientSecretBasic('a secret')],
    ['client_secret_post', () => clientSecretPost('a secret')],
  ])('AUTH-B5 refuses %s at once, since only a signed assertion serves', async (_method, clientAuth) => {
    const options = { fhirBaseUrl: 'https://ehr.example/r4', clientId: 'job', scope: 'system/Patient.rs' }
    const failure = await failureOf(() =>
      createBackendServices({ ...options, dialect: epic(), clientAuth: clientAuth() }),
    )
    expect(failure.code).toBe('invalid_option')
    expect(failure.message).toMatch(/signed assertion.*keys: await loadKeySet/)
  })

  it('AUTH-J1 takes a clientAuth that signs', async () => {
    const clientAuth = privateKeyJwt(await loadKeySet(rsaJwk()))
    const options = { fhirBaseUrl: 'https://ehr.example/r4', clientId: 'job', scope: 'system/Patient.rs' }
    expect(() => createBackendServices({ ...options, dialect: epic(), clientAuth })).not.toThrow()
  })
})
