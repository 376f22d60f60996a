import { createUserAgent, type SandboxFault } from '@fhir-auth/sandbox'
import { describe, expect, it } from 'vitest'
import {
  clientSecretBasic,
  createSmartLaunch,
  loadKeySet,
  privateKeyJwt,
  type StaticMetadata,
} from '../../src/index.ts'
import { revokeToken } from '../../src/oauth/revocation.ts'
import { startCoreApp } from '../support/core-app.ts'
import { startServer } from '../support/http-server.ts'
import { registeredClient, startSandbox } from '../support/registered-client.ts'
import { ecJwk } from '../support/signing-jwks.ts'

const SECRET = 'a-client-secret'
const BASIC = `Basic ${btoa(`portal:${SECRET}`)}`

/** An app with one person logged in. */
async function logIn(scope: string) {
  const sandbox = await startSandbox({ consent: 'auto' })
  const app = await startCoreApp(
    (origin) => {
      const redirectUri = `${origin}/callback`
      sandbox.registerClient({ clientId: 'portal', clientSecret: SECRET, redirectUris: [redirectUri] })
      return createSmartLaunch({
        ...{ fhirBaseUrl: sandbox.fhirBaseUrl, clientId: 'portal', redirectUri, scope, timeoutSeconds: 1 },
        clientAuth: clientSecretBasic(SECRET),
        session: { secret: crypto.randomUUID() },
      })
    },
    async (fhir) => ({ accessToken: fhir?.accessToken }),
  )
  const browser = createUserAgent()
  const { accessToken } = (await (await browser.signIn(`${app.origin}/login`)).json()) as { accessToken: string }
  const logOut = () =>
    browser.request(`${app.origin}/logout`, { method: 'POST', headers: { origin: app.origin, accept: 'text/html' } })
  const isLoggedIn = async () => (await browser.request(`${app.origin}/`)).status === 200
  expect(await isLoggedIn()).toBe(true)
  return { sandbox, app, browser, accessToken, logOut, isLoggedIn }
}

describe('logout', () => {
  it('REV-01 posts the refresh token with its type and client authentication; the access token dies with it', async () => {
    const { sandbox, accessToken, logOut, isLoggedIn } = await logIn('launch/patient patient/*.rs offline_access')
    expect((await logOut()).status).toBe(303)
    const [request, ...others] = sandbox.requestsTo('/revoke')
    expect(others).toEqual([])
    expect([...(request?.form.keys() ?? [])].sort()).toEqual(['token', 'token_type_hint'])
    expect(request?.form.get('token_type_hint')).toBe('refresh_token')
    expect(request).toMatchObject({ method: 'POST', status: 200, headers: { authorization: BASIC } })
    const headers = { authorization: `Bearer ${accessToken}` }
    expect((await fetch(`${sandbox.fhirBaseUrl}/Patient`, { headers })).status).toBe(401)
    expect(await isLoggedIn()).toBe(false)
  })

  it('REV-01 without a refresh token the access token is revoked', async () => {
    const { sandbox, accessToken, logOut } = await logIn('launch/patient patient/*.rs')
    await logOut()
    const [request] = sandbox.requestsTo('/revoke')
    expect(Object.fromEntries(request?.form ?? [])).toEqual({ token: accessToken, token_type_hint: 'access_token' })
  })

  it.each<[string, SandboxFault]>([
    ['cuts the connection', { at: 'revocation', kind: 'reset' }],
    ['answers 503', { at: 'revocation', kind: 'status', status: 503 }],
    ['never answers', { at: 'revocation', kind: 'slow', seconds: 30 }],
    ['redirects', { at: 'revocation', kind: 'redirect', location: 'https://evil.example' }],
  ])('REV-03 a person is logged out even where the server %s', async (_name, fault) => {
    const { sandbox, logOut, isLoggedIn } = await logIn('launch/patient offline_access')
    sandbox.fault(fault)
    expect((await logOut()).status).toBe(303)
    expect(await isLoggedIn()).toBe(false)
  })

  it('REV-03 the session ends here before the request to the server', async () => {
    const { sandbox, logOut, isLoggedIn } = await logIn('launch/patient offline_access')
    sandbox.fault({ at: 'revocation', kind: 'slow', seconds: 0.8 })
    const leaving = logOut()
    while (sandbox.requestsTo('/revoke').length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(await isLoggedIn()).toBe(false)
    await leaving
  })

  it('REV-03 a server without revocation endpoint is asked for nothing', async () => {
    const { sandbox, app, browser } = await logIn('launch/patient')
    sandbox.fault({ at: 'smart-configuration', kind: 'json', patch: ({ revocation_endpoint, ...rest }) => rest })
    const other = await startCoreApp(
      (origin) => {
        const redirectUri = `${origin}/callback`
        sandbox.registerClient({ clientId: 'portal', clientSecret: SECRET, redirectUris: [redirectUri] })
        const session = { secret: crypto.randomUUID() }
        const clientAuth = clientSecretBasic(SECRET)
        const { fhirBaseUrl } = sandbox
        return createSmartLaunch({
          fhirBaseUrl,
          clientId: 'portal',
          redirectUri,
          scope: 'launch/patient',
          clientAuth,
          session,
        })
      },
      () => null,
    )
    expect(app.origin).not.toBe(other.origin)
    await browser.signIn(`${other.origin}/login`)
    const answer = await browser.request(`${other.origin}/logout`, {
      method: 'POST',
      headers: { origin: other.origin },
    })
    expect(answer.status).toBe(303)
    expect(sandbox.requestsTo('/revoke')).toEqual([])
  })
})

describe('revokeToken', () => {
  async function revokeAt(status: number, body = '', hint: 'refresh_token' | 'access_token' = 'refresh_token') {
    const headers = { 'retry-after': '9' }
    const server = await startServer((_request, response) => void response.writeHead(status, headers).end(body))
    const client = registeredClient({ clientId: 'portal', clientAuth: clientSecretBasic(SECRET) })
    const authorizationServer = { tokenEndpoint: `${server.origin}/token`, issuer: undefined }
    const channel = { http: {}, now: Date.now }
    const result = revokeToken(
      { token: 'a-token', hint, endpoint: `${server.origin}/revoke` },
      { client, server: authorizationServer, channel },
    )
    return { server, result }
  }

  it('REV-01 the token is in the body alone', async () => {
    const { server, result } = await revokeAt(200)
    await result
    expect(server.requests).toMatchObject([
      {
        method: 'POST',
        url: '/revoke',
        headers: { authorization: BASIC, 'content-type': 'application/x-www-form-urlencoded' },
        body: 'token=a-token&token_type_hint=refresh_token',
      },
    ])
  })

  it('RFC 7523 §3: an assertion for the token endpoint of one server is not sent to an endpoint of another', async () => {
    const hostile = await startServer((_request, response) => void response.writeHead(200).end())
    const endpoint = `${hostile.origin}/revoke`
    const clientAuth = privateKeyJwt(await loadKeySet(ecJwk()))
    const server = { tokenEndpoint: 'https://auth.honest.example/token', issuer: 'https://auth.honest.example' }
    const revoke = (metadata: StaticMetadata) =>
      revokeToken(
        { token: 'a-token', hint: 'refresh_token', endpoint },
        { client: registeredClient({ clientAuth, metadata }), server, channel: { http: {}, now: Date.now } },
      )
    await expect(revoke({})).rejects.toMatchObject({
      code: 'discovery_failed',
      message: expect.stringContaining('metadata.revocation_endpoint'),
    })
    expect(hostile.requests).toEqual([])
    await revoke({ revocation_endpoint: endpoint })
    expect(hostile.requests).toHaveLength(1)
  })

  it('REV-02 a token that the server does not know is a success: RFC 7009 answers 200', async () => {
    const sandbox = await startSandbox({ clients: [{ clientId: 'portal', clientSecret: SECRET }] })
    const client = registeredClient({ clientId: 'portal', clientAuth: clientSecretBasic(SECRET) })
    const server = { tokenEndpoint: `${sandbox.issuer}/token`, issuer: sandbox.issuer }
    const channel = { http: {}, now: Date.now }
    await revokeToken(
      { token: 'never-issued', hint: 'refresh_token', endpoint: `${sandbox.issuer}/revoke` },
      { client, server, channel },
    )
    expect(sandbox.requestsTo('/revoke')[0]?.status).toBe(200)
  })

  it('REV-02 a 503 is an error that says when to try again, and is not tried again by itself', async () => {
    const { server, result } = await revokeAt(503)
    await expect(result).rejects.toMatchObject({ code: 'token_request_refused', retryAfterSeconds: 9 })
    expect(server.requests).toHaveLength(1)
  })

  it('REV-02 it is not a failure if a server cannot revoke access tokens; it is one if it does not revoke a refresh token', async () => {
    const body = JSON.stringify({ error: 'unsupported_token_type' })
    const { result } = await revokeAt(400, body, 'access_token')
    await expect(result).resolves.toBeUndefined()
    const refresh = await revokeAt(400, body, 'refresh_token')
    await expect(refresh.result).rejects.toMatchObject({ error: 'unsupported_token_type' })
    const other = await revokeAt(400, JSON.stringify({ error: 'invalid_client' }), 'access_token')
    await expect(other.result).rejects.toMatchObject({ error: 'invalid_client' })
  })
})
