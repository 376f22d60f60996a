import fc from 'fast-check'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { fetchFhir } from '../../src/fhir/fhir-fetch.ts'
import { networkOf } from '../../src/http/network.ts'
import { discover, IssuerKeys, introspectToken, verifyIdToken } from '../../src/protocol.ts'
import { createSealer } from '../../src/store/sealing.ts'
import { launchClient, serverMetadata } from '../support/launch-client.ts'
import { spoilt, spoiltObject, trickyText } from './hostile-inputs.ts'
import type { Surface } from './surface.ts'

const NOW = Date.UTC(2026, 0, 1)
const BASE = 'https://ehr.example/fhir'
const ISSUER = 'https://ehr.example'

async function idTokenSurfaces(): Promise<Surface<string>[]> {
  const own = await generateKeyPair('ES256', { extractable: true })
  const forger = await generateKeyPair('ES256')
  const claims = { iss: ISSUER, aud: 'portal', sub: 's', nonce: 'n', iat: NOW / 1000, exp: NOW / 1000 + 300 }
  type Key = Parameters<SignJWT['sign']>[0]
  const sign = (key: Key) => new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'own' }).sign(key)
  const good = await sign(own.privateKey)
  const forged = await sign(forger.privateKey)
  const jwk = { ...(await exportJWK(own.publicKey)), kid: 'own', alg: 'ES256', use: 'sig' }
  const client = launchClient()
  const metadata = serverMetadata({ issuer: ISSUER, jwks_uri: `${ISSUER}/jwks` })
  const verify = (token: string, jwks: string) => {
    const issuerKeys = new IssuerKeys({ fetch: async () => new Response(jwks) }, () => NOW)
    return verifyIdToken(token, { nonce: 'n' }, { client, metadata, issuerKeys, now: NOW })
  }
  const keys = JSON.stringify({ keys: [jwk] })
  if ((await verify(good, keys))?.sub !== 's') throw new Error('The good id_token is refused.')
  return [
    {
      name: 'id_token',
      inputs: spoilt(good),
      async gain(token) {
        const verified = await verify(token, keys)
        // A signature can be written in several ways, with unused bits; what is signed cannot.
        return JSON.stringify(verified) === JSON.stringify(claims) ? undefined : 'claims that nobody has signed'
      },
    },
    {
      name: 'JWKS',
      inputs: spoiltObject(jwk).map((key) => `{"keys":[${key}]}`),
      gain: async (jwks) => ((await verify(forged, jwks)) ? 'claims that were signed with another key' : undefined),
    },
    {
      name: 'JWKS, the whole document',
      inputs: fc.oneof(spoilt(keys), fc.json()),
      gain: async (jwks) => ((await verify(forged, jwks)) ? 'claims that were signed with another key' : undefined),
    },
  ]
}

const configuration: Surface<string> = {
  name: 'smart-configuration',
  inputs: spoiltObject({
    ...{ issuer: ISSUER, jwks_uri: `${ISSUER}/jwks`, token_endpoint: `${ISSUER}/token` },
    ...{ authorization_endpoint: `${ISSUER}/authorize`, revocation_endpoint: `${ISSUER}/revoke` },
    ...{ code_challenge_methods_supported: ['S256'], capabilities: ['launch-ehr'], scopes_supported: ['openid'] },
  }),
  async gain(text) {
    const { dialect } = launchClient()
    const target = { fhirBaseUrl: BASE, discovery: dialect.discovery, metadata: {} }
    const fetch = async (url: unknown) =>
      String(url).endsWith('/smart-configuration') ? new Response(text) : new Response('', { status: 404 })
    const { metadata } = await discover(target, ['authorization_endpoint', 'token_endpoint'], { fetch })
    const { authorization_endpoint, token_endpoint, jwks_uri, revocation_endpoint, issuer } = metadata
    for (const endpoint of [authorization_endpoint, token_endpoint, jwks_uri, revocation_endpoint]) {
      if (endpoint === undefined) continue
      const { protocol, hostname } = new URL(endpoint)
      if (protocol !== 'https:' || networkOf(hostname) !== 'public') return `requests to ${endpoint}`
    }
    return issuer === undefined || new URL(issuer).origin === ISSUER ? undefined : `the word of ${issuer}`
  },
}

const introspection: Surface<string> = {
  name: 'introspection',
  inputs: spoiltObject({ active: false, scope: 'patient/*.rs', patient: 'p1', exp: NOW, iss: ISSUER, sub: 's' }),
  async gain(text) {
    const metadata = { token_endpoint: `${ISSUER}/token`, introspection_endpoint: `${ISSUER}/introspect` }
    const answer = await introspectToken('the-token', {
      ...{ fhirBaseUrl: BASE, accessToken: 'own', metadata, fetch: async () => new Response(text) },
    })
    if (answer.active && JSON.parse(text).active !== true) return 'an inactive token that counts'
    const isId = !answer.active || answer.patient === undefined || /^[A-Za-z0-9\-.]{1,64}$/.test(answer.patient)
    return isId ? undefined : 'an id that changes a URL'
  },
}

async function sealedValues(): Promise<Surface<string>> {
  const sealer = createSealer([crypto.randomUUID() + crypto.randomUUID()], 'session')
  const sealed = await sealer.seal({ patient: 'p1' })
  return {
    name: 'sealed values',
    inputs: spoilt(sealed),
    gain: async (text) => ((await sealer.open(text)) ? 'a record that we have not sealed' : undefined),
  }
}

const target: Surface<string> = {
  name: 'fhir.fetch targets',
  inputs: fc.oneof(spoilt(`${BASE}/Patient/p1`), spoilt('Patient/p1?_include=*'), trickyText),
  async gain(url) {
    let sentTo: string | undefined
    const send: typeof fetch = async (input) => {
      sentTo = String(input)
      return new Response('{}')
    }
    const tokens = { current: () => 'the-token', replace: async () => undefined }
    await fetchFhir({ fhirBaseUrl: BASE, tokenUrls: () => [], tokens, send }, url)
    return sentTo === undefined || isBelowBase(sentTo) ? undefined : `the token at ${sentTo}`
  },
}

/** By other means than the code under test: decoded again and again, no reader may find another place. */
function isBelowBase(url: string): boolean {
  let path = new URL(url).pathname
  for (let round = 0; round < 4; round++) {
    const { origin, pathname } = new URL(path.replaceAll('\\', '/'), ISSUER)
    if (origin !== ISSUER || !`${pathname}/`.startsWith('/fhir/')) return false
    try {
      path = decodeURIComponent(path)
    } catch {
      break
    }
  }
  return new URL(url).origin === ISSUER
}

export async function serverSurfaces(): Promise<Surface<string>[]> {
  return [...(await idTokenSurfaces()), configuration, introspection, await sealedValues(), target]
}
