import type { Sandbox } from '@fhir-auth/sandbox'
import { describe, expect, it } from 'vitest'
import {
  clientSecretBasic,
  clientSecretPost,
  createBackendServices,
  type Dialect,
  oracleHealth,
  smart,
} from '../../src/index.ts'
import { failureOf } from '../support/failure-of.ts'
import { loggedIn, look, type PortalWorld, startPortal } from '../support/portal-world.ts'
import { readJwt } from '../support/signing-jwks.ts'
import { startTokenServer } from '../support/token-server.ts'

const SCOPE = 'openid fhirUser launch/patient patient/Observation.rs offline_access'

/** A sandbox whose id_tokens come from an identity provider below its issuer, as the vendor's manual shows. */
async function portalOfTenant(dialect: Dialect, idTokenIssuer: (issuer: string) => string): Promise<PortalWorld> {
  const portal = await startPortal({ dialect, scope: SCOPE }, { consent: 'auto' })
  portal.sandbox.fault({
    at: 'token',
    kind: 'json',
    patch: async (body) => ({ ...body, id_token: await reissued(portal.sandbox, body.id_token, idTokenIssuer) }),
  })
  return portal
}

async function reissued(sandbox: Sandbox, idToken: unknown, idTokenIssuer: (issuer: string) => string) {
  return sandbox.signIdToken({ ...readJwt(String(idToken)).claims, iss: idTokenIssuer(sandbox.issuer) })
}

const ofTenant = (issuer: string) => `${issuer}/oidc/idsps/ec2458f2-1e24-41c8-b71b-0e701af7583d/`

describe('oracleHealth(): a person logs in', () => {
  it('IDT-02 IDT-01 takes an id_token of an identity provider of the tenant, with the keys of smart-configuration', async () => {
    const portal = await portalOfTenant(oracleHealth(), ofTenant)
    const { seen } = await look(await loggedIn(portal), `${portal.origin}/page`)
    expect(seen?.patient).toBeDefined()
    expect(portal.sandbox.requestsTo('/jwks')).toHaveLength(1)
    // The dummy endpoints of that issuer's own document are never seen.
    expect(portal.sandbox.requests.filter(({ path }) => path.endsWith('openid-configuration'))).toEqual([])
  })

  it('IDT-01 smart() refuses that id_token', async () => {
    const portal = await portalOfTenant(smart(), ofTenant)
    expect((await look(await loggedIn(portal), `${portal.origin}/page`)).status).toBe(401)
  })

  it('IDT-02 an id_token of another tenant is refused, though signed with a key of the same set', async () => {
    const portal = await portalOfTenant(oracleHealth(), (issuer) => ofTenant(issuer.replace('127', '128')))
    expect((await look(await loggedIn(portal), `${portal.origin}/page`)).status).toBe(401)
  })

  const tenant = 'https://auth.example/tenants/a'
  it.each([
    [tenant, true],
    [`${tenant}/oidc/idsps/a-1/`, true],
    [`${tenant}/oidc/idsps/a-1`, false],
    [`${tenant}/oidc/idsps/`, false],
    [`${tenant}/oidc/idsps/a/../../b/`, false],
    [`${tenant}/oidc/idsps/a?x=/`, false],
    [`${tenant}/`, false],
    [`${tenant}b/oidc/idsps/a-1/`, false],
    ['https://auth.example/tenants/b/oidc/idsps/b-1/', false],
  ])('IDT-02 the issuer %s belongs to the tenant: %s', (issuer, accepted) => {
    const rule = oracleHealth().idToken.issuer
    const accepts = typeof rule === 'function' && rule(issuer, tenant)
    expect(accepts).toBe(accepted)
    expect(typeof rule === 'function' && rule(issuer, undefined)).toBe(false)
  })

  it('PKCE-07 PKCE-04 AUTHZ-02 sends PKCE and aud, though the manual of 2024 knew no PKCE', async () => {
    const portal = await startPortal({ dialect: oracleHealth(), scope: SCOPE }, { consent: 'auto' })
    portal.sandbox.fault({
      at: 'smart-configuration',
      kind: 'json',
      patch: ({ code_challenge_methods_supported: _, ...older }) => older,
    })
    await loggedIn(portal)
    const [authorization] = portal.sandbox.requestsTo('/authorize')
    expect(authorization?.query.get('aud')).toBe(portal.sandbox.fhirBaseUrl)
    expect(authorization?.query.get('code_challenge_method')).toBe('S256')
    expect(portal.tokenRequests()[0]?.form.get('code_verifier')).toMatch(/^[\w-]{43,}$/)
  })

  it('RFR-03 keeps the refresh token if a refresh returns no new one', async () => {
    const portal = await startPortal(
      { dialect: oracleHealth(), scope: SCOPE },
      { consent: 'auto', rotateRefreshTokens: false },
    )
    const browser = await loggedIn(portal)
    portal.sandbox.fault({ at: 'token', kind: 'json', patch: ({ refresh_token: _, ...body }) => body })
    for (const _ of [1, 2]) {
      portal.advanceSeconds(600)
      expect((await look(browser, `${portal.origin}/page`)).status).toBe(200)
    }
    const refreshes = portal
      .tokenRequests('refresh_token')
      .map(({ form, status }) => [form.get('refresh_token'), status])
    expect(refreshes).toEqual([refreshes[0], refreshes[0]])
    expect(refreshes[0]?.[1]).toBe(200)
  })
})

describe('oracleHealth(): configuration', () => {
  const options = { fhirBaseUrl: 'https://ehr.example/r4', clientId: 'job', dialect: oracleHealth() }

  it.each([
    'patient/*.rs',
    'patient/*.read',
    'user/Observation.*',
    'http://smarthealthit.org/FHIR/scopes/patient/*.read',
    'openid system/Patient.read system/*.read',
  ])('SCP-01 refuses the wildcard in %s, which the server would not grant', async (scope) => {
    const clientAuth = clientSecretBasic('a secret')
    const failure = await failureOf(() => createBackendServices({ ...options, scope, clientAuth }))
    expect([failure.code, failure.message]).toEqual(['invalid_option', expect.stringContaining('no wildcard scopes')])
  })

  it.each([
    'system/Patient.read',
    'system/Patient.crus',
    'system/Observation.rs?category=a|*.*',
    'launch/patient openid',
  ])('SCP-01 takes %s', (scope) => {
    const clientAuth = clientSecretBasic('a secret')
    expect(() => createBackendServices({ ...options, scope, clientAuth })).not.toThrow()
  })

  it('AUTH-B4 refuses the secret in the body, with the remedy', async () => {
    const failure = await failureOf(() =>
      createBackendServices({ ...options, scope: 'system/Patient.read', clientAuth: clientSecretPost('a secret') }),
    )
    expect(failure.message).toMatch(/Use clientSecretBasic\(secret\)/)
  })

  it('AUTH-B5 a system account gets its token with Basic', async () => {
    const server = await startTokenServer()
    const { fhirBaseUrl } = server
    const clientAuth = clientSecretBasic('a secret')
    await createBackendServices({ ...options, fhirBaseUrl, scope: 'system/Patient.read', clientAuth }).context()
    const [request] = server.tokenRequests
    expect(request?.headers.authorization).toBe(`Basic ${Buffer.from('job:a secret').toString('base64')}`)
    expect(Object.fromEntries(request?.form ?? [])).toEqual({
      grant_type: 'client_credentials',
      scope: 'system/Patient.read',
    })
  })
})
