import type { ServerResponse } from 'node:http'
import { beforeAll, describe, expect, it } from 'vitest'
import { discover } from '../../src/discovery/discover.ts'
import { type ClientAuth, loadKeySet, privateKeyJwt, smart } from '../../src/index.ts'
import { clientCredentialsGrant, exchangeCode, refreshGrant } from '../../src/oauth/grants.ts'
import { introspectToken } from '../../src/oauth/introspection.ts'
import { IssuerKeys } from '../../src/oauth/issuer-keys.ts'
import { failureOf } from '../support/failure-of.ts'
import { type SeenRequest, startServer } from '../support/http-server.ts'
import { registeredClient } from '../support/registered-client.ts'
import { readJwt, rsaJwk } from '../support/signing-jwks.ts'
import { grantOf, sendJson } from '../support/token-server.ts'

let clientAuth: ClientAuth
beforeAll(async () => {
  clientAuth = privateKeyJwt(await loadKeySet(rsaJwk()))
})

/** A server that resets the connection at these requests, counted from 1, before it answers anything. */
async function startResettingServer(resetAt: readonly number[]) {
  const sockets: unknown[] = []
  const server = await startServer((_request: SeenRequest, response: ServerResponse) => {
    sockets.push(response.socket)
    if (resetAt.includes(sockets.length)) return void response.socket?.resetAndDestroy()
    sendJson(response, {
      ...grantOf(sockets.length),
      active: false,
      keys: [],
      token_endpoint: `${server.origin}/token`,
    })
  })
  const target = { tokenEndpoint: `${server.origin}/token`, issuer: undefined }
  const channel = { http: { timeoutSeconds: 10 }, now: Date.now }
  const client = registeredClient({ clientAuth })
  return {
    ...server,
    sockets,
    getToken: () => clientCredentialsGrant('system/Patient.rs', { client, server: target, channel }),
    exchange: () => {
      const checks = { redirectUri: 'https://app.example/callback', codeVerifier: undefined, scope: 'openid' }
      return exchangeCode('the-code', checks as Parameters<typeof exchangeCode>[1], { client, server: target, channel })
    },
    refresh: () =>
      refreshGrant({ refreshToken: 'refresh', grantedScope: 'openid' }, { client, server: target, channel }),
    introspect: () => {
      const endpoint = `${server.origin}/token`
      const metadata = { token_endpoint: endpoint, introspection_endpoint: endpoint }
      return introspectToken('the-token', { fhirBaseUrl: server.origin, clientId: 'app', clientAuth, metadata })
    },
    fetchKeys: () => new IssuerKeys(channel.http, Date.now).get(`${server.origin}/jwks`, undefined),
    discover: () => {
      const { discovery } = smart()
      return discover({ fhirBaseUrl: `${server.origin}/fhir`, metadata: {}, discovery }, ['token_endpoint'], {})
    },
  }
}

describe('RFC 9110 §9.2.2: a connection that is reset before an answer', () => {
  it('BSV-12 a client credentials request is repeated on a new connection, with a new jti', async () => {
    const server = await startResettingServer([2])
    await server.getToken()
    expect((await server.getToken()).accessToken).toBe('token-3')
    const ids = server.requests.map(({ form }) => readJwt(form.get('client_assertion')).claims.jti)
    expect([ids.length, new Set(ids).size]).toEqual([3, 3])
    // It was the idle connection of the first request.
    expect(server.sockets[1]).toBe(server.sockets[0])
    expect(server.sockets[2]).not.toBe(server.sockets[1])
  })

  it.each(['fetchKeys', 'discover', 'introspect'] as const)('%s is repeated once', async (name) => {
    const server = await startResettingServer([1])
    await server[name]()
    expect(server.requests).toHaveLength(2)
  })

  it.each(['getToken', 'fetchKeys', 'introspect'] as const)('%s: a second reset is a network error', async (name) => {
    const server = await startResettingServer([1, 2])
    expect((await failureOf(server[name])).code).toBe('network_error')
    expect(server.requests).toHaveLength(2)
  })

  it.each(['exchange', 'refresh'] as const)('TOK-06 %s is never repeated', async (name) => {
    const server = await startResettingServer([1])
    expect((await failureOf(server[name])).code).toBe('network_error')
    expect(server.requests).toHaveLength(1)
  })
})
