import { privateKeyJwt } from '@fhir-auth/core'
import { checkRegistration, clientCredentialsGrant } from '@fhir-auth/core/protocol'
import { SignJWT } from 'jose'
import * as openid from 'openid-client'
import * as undici from 'undici'
import { CLIENT_ID, generateAppKey, SCOPE } from '../support/backend-client.ts'
import { inBatches } from '../support/batches.ts'

// Says what one token request with a new assertion takes, end to end.
const [origin = '', rounds] = process.argv.slice(2)
const { keys, privateKey } = await generateAppKey()
const tokenEndpoint = `${origin}/token`

const registration = { fhirBaseUrl: origin, clientId: CLIENT_ID, scope: SCOPE, clientAuth: privateKeyJwt(keys) }
const client = checkRegistration(registration, { flow: 'backend', defaultAuth: () => privateKeyJwt(keys) })
const server = { tokenEndpoint, issuer: origin, acceptedAlgorithms: undefined }
const ours = (fetch?: typeof globalThis.fetch) =>
  clientCredentialsGrant(SCOPE, { client, server, channel: { http: { fetch, timeoutSeconds: 10 }, now: Date.now } })

async function body(): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const assertion = await new SignJWT({ jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: 'ES384', typ: 'JWT', kid: 'key' })
    .setIssuer(CLIENT_ID)
    .setSubject(CLIENT_ID)
    .setAudience(tokenEndpoint)
    .setIssuedAt(now)
    .setExpirationTime(now + 300)
    .sign(privateKey)
  return new URLSearchParams({
    ...{ grant_type: 'client_credentials', scope: SCOPE, client_assertion: assertion },
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  }).toString()
}

const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' }
/** By hand, but with what nobody should leave out: a time limit, and no redirect followed. */
async function byHand(fetch: typeof globalThis.fetch): Promise<unknown> {
  const signal = AbortSignal.timeout(10_000)
  const response = await fetch(tokenEndpoint, {
    method: 'POST',
    headers,
    body: await body(),
    redirect: 'manual',
    signal,
  })
  if (!response.ok) throw new Error(`The token endpoint answered ${response.status}.`)
  return response.json()
}
async function byUndiciRequest(): Promise<unknown> {
  const response = await undici.request(tokenEndpoint, { method: 'POST', headers, body: await body() })
  return response.body.json()
}

const auth = openid.PrivateKeyJwt({ key: privateKey, kid: 'key' })
const configuration = await openid.discovery(new URL(origin), CLIENT_ID, {}, auth, {
  execute: [openid.allowInsecureRequests],
})
const undiciFetch = undici.fetch as unknown as typeof globalThis.fetch // its types are of its own Request

const calls = {
  ours: () => ours(),
  byHand: () => byHand(globalThis.fetch),
  openidClient: () => openid.clientCredentialsGrant(configuration, { scope: SCOPE }),
  oursUndici: () => ours(undiciFetch),
  byHandUndici: () => byHand(undiciFetch),
  byUndiciRequest,
}
process.send?.(await inBatches(calls, Number(rounds), { batch: 60 }))
