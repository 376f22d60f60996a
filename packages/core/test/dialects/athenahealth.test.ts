import { describe, expect, it } from 'vitest'
import { athenahealth, clientSecretBasic, createBackendServices, type Dialect, smart } from '../../src/index.ts'
import { failureOf } from '../support/failure-of.ts'
import { loggedIn, look, type PortalWorld, startPortal } from '../support/portal-world.ts'
import { readJwt } from '../support/signing-jwks.ts'
import { startTokenServer } from '../support/token-server.ts'

/** A server that lists no PKCE method in its discovery, as athenahealth's preview host was reported to. */
async function portalWithoutPkceInDiscovery(dialect: Dialect): Promise<PortalWorld> {
  const portal = await startPortal({ dialect }, { consent: 'auto' })
  portal.sandbox.fault({
    at: 'smart-configuration',
    kind: 'json',
    patch: ({ code_challenge_methods_supported: _, ...older }) => older,
  })
  return portal
}

/** A server whose id_tokens are for a resource, not for the client. */
async function portalWithForeignAudience(dialect: Dialect): Promise<PortalWorld> {
  const portal = await startPortal({ dialect }, { consent: 'auto' })
  portal.sandbox.fault({
    at: 'token',
    kind: 'json',
    patch: async (body) => {
      const claims = { ...readJwt(String(body.id_token)).claims, aud: 'api://practice' }
      return { ...body, id_token: await portal.sandbox.signIdToken(claims) }
    },
  })
  return portal
}

describe('athenahealth()', () => {
  it('PKCE-07 PKCE-04 sends PKCE although discovery does not list it', async () => {
    const portal = await portalWithoutPkceInDiscovery(athenahealth())
    await loggedIn(portal)
    const [authorization] = portal.sandbox.requestsTo('/authorize')
    expect(authorization?.query.get('code_challenge')).toMatch(/^[\w-]{43}$/)
    expect(authorization?.query.get('code_challenge_method')).toBe('S256')
    expect(portal.tokenRequests()[0]?.form.has('code_verifier')).toBe(true)
  })

  it('PKCE-07 a dialect that only sends what is listed would not have', async () => {
    const portal = await portalWithoutPkceInDiscovery(smart({ authorization: { pkce: 'auto' } }))
    const login = await fetch(`${portal.origin}/login`, { redirect: 'manual' })
    expect(new URL(login.headers.get('location') ?? '').searchParams.has('code_challenge')).toBe(false)
  })

  it('DISC-12 the token endpoint of the registration wins over an internal host in discovery', async () => {
    const server = await startTokenServer(undefined, { token_endpoint: 'https://token.internal.invalid/token' })
    const { fhirBaseUrl, tokenEndpoint } = server
    const options = { fhirBaseUrl, clientId: 'job', scope: 'system/Patient.rs', dialect: athenahealth() }
    const clientAuth = clientSecretBasic('a secret')
    const asDiscovered = createBackendServices({ ...options, clientAuth })
    expect((await failureOf(() => asDiscovered.context())).message).toContain('token.internal.invalid')
    await createBackendServices({ ...options, clientAuth, metadata: { token_endpoint: tokenEndpoint } }).context()
    expect(server.tokenRequests).toHaveLength(1)
  })

  it('IDT-11 takes an id_token for the audience that the option names', async () => {
    const portal = await portalWithForeignAudience(athenahealth({ idTokenAudience: 'api://practice' }))
    expect((await look(await loggedIn(portal), `${portal.origin}/page`)).status).toBe(200)
  })

  it('IDT-01 IDT-11 refuses it without', async () => {
    const portal = await portalWithForeignAudience(athenahealth())
    expect((await look(await loggedIn(portal), `${portal.origin}/page`)).status).toBe(401)
  })

  it('a misspelt option is refused', async () => {
    const misspelt = { idTokenAudiences: 'x' } as object
    expect((await failureOf(() => athenahealth(misspelt))).message).toMatch(/Did you mean "idTokenAudience"/)
  })
})
