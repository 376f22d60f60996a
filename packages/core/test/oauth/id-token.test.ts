import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { createSandbox, createUserAgent, type Sandbox } from '@fhir-auth/sandbox'
import fc from 'fast-check'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ServerMetadata } from '../../src/discovery/server-metadata.ts'
import { createSmartLaunch, type DialectOverrides, type IdTokenClaims, smart } from '../../src/index.ts'
import { fhirUserOf } from '../../src/oauth/fhir-user.ts'
import { verifyIdToken } from '../../src/oauth/id-token.ts'
import type { IdTokenExpectations } from '../../src/oauth/id-token-claims.ts'
import { IssuerKeys } from '../../src/oauth/issuer-keys.ts'
import { startCoreApp } from '../support/core-app.ts'
import { createEventLog } from '../support/event-log.ts'
import { failureOf } from '../support/failure-of.ts'
import { startServer } from '../support/http-server.ts'
import { registeredClient, startSandbox } from '../support/registered-client.ts'

const NOW = Date.now()
const NOW_SECONDS = Math.floor(NOW / 1000)
const NONCE = 'the-nonce-of-this-login'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await createSandbox()
})
beforeEach(() => sandbox.clearRequests())
afterAll(() => sandbox.close())

const soundClaims = () => ({
  iss: sandbox.issuer,
  sub: 'person-1',
  aud: 'app',
  iat: NOW_SECONDS,
  exp: NOW_SECONDS + 300,
  nonce: NONCE,
})

interface Trial {
  idToken?: DialectOverrides['idToken']
  metadata?: Partial<ServerMetadata>
  expected?: IdTokenExpectations
}

function verifyAt(token: string, { idToken, metadata, expected }: Trial = {}) {
  const known = { issuer: sandbox.issuer, jwks_uri: `${sandbox.issuer}/jwks`, sources: [], documents: [], ...metadata }
  const client = registeredClient({ dialect: smart({ idToken }) })
  const keys = new IssuerKeys({}, () => NOW)
  return verifyIdToken(token, expected ?? { nonce: NONCE }, { client, metadata: known, issuerKeys: keys, now: NOW })
}

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
const refusal = (fault: RegExp) =>
  expect.objectContaining({ code: 'invalid_id_token', message: expect.stringMatching(fault) })

describe('claims', () => {
  it('IDT-01 IDT-09 an id_token in order gives its claims, frozen; issuer and subject together name the person', async () => {
    const claims = { ...soundClaims(), fhirUser: 'Patient/1' }
    const verified = await verifyAt(await sandbox.signIdToken(claims))
    expect(verified).toEqual(claims)
    expect([verified?.iss, verified?.sub]).toEqual([sandbox.issuer, 'person-1'])
    expect(Object.isFrozen(verified)).toBe(true)
  })

  it.each([
    ['another issuer', { iss: 'https://evil.example' }, /"iss"/],
    ['the issuer with a slash more', () => ({ iss: `${sandbox.issuer}/` }), /"iss"/],
    ['no issuer', { iss: undefined }, /"iss"/],
    ['no subject', { sub: undefined }, /"sub"/],
    ['another audience', { aud: 'another-app' }, /its "aud" is not app; check clientId/],
    ['no audience', { aud: undefined }, /"aud"/],
    ['several audiences without this client', { aud: ['a', 'b'], azp: 'app' }, /"aud"/],
    ['several audiences without azp', { aud: ['app', 'another'] }, /azp/],
    ['several audiences and another azp', { aud: ['app', 'another'], azp: 'another' }, /azp/],
    ['one audience and another azp', { azp: 'another' }, /azp/],
    ['expired', { exp: NOW_SECONDS - 61 }, /its "exp" was 61 seconds ago; compare the clocks/],
    ['no expiry', { exp: undefined }, /"exp"/],
    ['an expiry that is no number', { exp: 'tomorrow' }, /"exp"/],
    ['issued in the future', { iat: NOW_SECONDS + 120 }, /"iat"/],
    ['not valid yet', { nbf: NOW_SECONDS + 120 }, /its "nbf" is in the future; compare the clocks/],
    ['the nonce of another login', { nonce: 'another' }, /"nonce"/],
    ['a nonce that is no text', { nonce: 5 }, /"nonce"/],
    ['an empty nonce', { nonce: '' }, /"nonce"/],
    ['a subject that is no text', { sub: 5 }, /"sub"/],
  ])('IDT-01 refuses an id_token with %s', async (_name, change, fault) => {
    const changed = typeof change === 'function' ? change() : change
    const token = await sandbox.signIdToken({ ...soundClaims(), ...changed })
    await expect(verifyAt(token)).rejects.toEqual(refusal(fault))
  })

  it.each([
    ['an audience list with this client alone', { aud: ['app'] }],
    ['several audiences, this client being the azp', { aud: ['another', 'app'], azp: 'app' }],
    ['a clock that is half a minute behind', { iat: NOW_SECONDS + 30 }],
    ['an expiry half a minute ago', { exp: NOW_SECONDS - 30 }],
  ])('IDT-01 accepts an id_token with %s', async (_name, change) => {
    const token = await sandbox.signIdToken({ ...soundClaims(), ...change })
    await expect(verifyAt(token)).resolves.toMatchObject({ sub: 'person-1' })
  })

  it.each<[string, object, RegExp, 'nonce' | 'iat']>([
    ['no nonce', { nonce: undefined }, /"nonce" is missing/, 'nonce'],
    ['no iat', { iat: undefined }, /"iat" is missing/, 'iat'],
    ['an iat of ten years ago', { iat: NOW_SECONDS - 10 * 365 * 24 * 3600 }, /"iat" is more than an hour ago/, 'iat'],
    ['an iat of 61 minutes ago', { iat: NOW_SECONDS - 3660 }, /"iat" is more than an hour ago/, 'iat'],
  ])(
    'IDT-01 OIDC Core §3.1.3.7: %s is refused, unless the dialect skips that check',
    async (_name, change, fault, check) => {
      const token = await sandbox.signIdToken({ ...soundClaims(), ...change })
      const failure = await failureOf(() => verifyAt(token))
      expect(failure).toEqual(refusal(fault))
      expect(failure).toEqual(refusal(new RegExp(`skipChecks: \\['${check}'\\]`)))
      await expect(verifyAt(token, { idToken: { skipChecks: [check] } })).resolves.toMatchObject({ sub: 'person-1' })
    },
  )

  it('IDT-01 a wrong value, unlike a missing one, is refused whatever the dialect skips', async () => {
    const skipChecks = ['nonce', 'iat', 'typ', 'auth_time'] as const
    for (const change of [{ nonce: 'another' }, { iat: NOW_SECONDS + 120 }, { events: {} }]) {
      const token = await sandbox.signIdToken({ ...soundClaims(), ...change })
      await expect(verifyAt(token, { idToken: { skipChecks } })).rejects.toMatchObject({ code: 'invalid_id_token' })
    }
  })

  it('IDT-01 a nonce that was not sent is not missed', async () => {
    const token = await sandbox.signIdToken({ ...soundClaims(), nonce: undefined })
    await expect(verifyAt(token, { expected: { nonce: undefined } })).resolves.toMatchObject({ sub: 'person-1' })
  })

  it.each<[string, object, RegExp | undefined]>([
    ['the same person', {}, undefined],
    ['no nonce', { nonce: undefined }, undefined],
    ['no auth_time', { auth_time: undefined }, undefined],
    ['a later iat', { iat: NOW_SECONDS }, undefined],
    ['another person', { sub: 'person-2' }, /"sub"/],
    ['another nonce', { nonce: 'another' }, /"nonce"/],
    ['an older auth_time', { auth_time: NOW_SECONDS - 7200 }, /"auth_time".*skipChecks: \['auth_time'\]/],
    ['a newer auth_time', { auth_time: NOW_SECONDS }, /"auth_time"/],
    ['an iat before that of the login', { iat: NOW_SECONDS - 2000 }, /older than the id_token of the login/],
  ])('RFR-06 OIDC Core §12.2: after a refresh, an id_token with %s', async (_name, change, fault) => {
    const before = { ...soundClaims(), iat: NOW_SECONDS - 1000, auth_time: NOW_SECONDS - 1010 }
    const token = await sandbox.signIdToken({ ...before, iat: NOW_SECONDS - 10, ...change })
    const trial = verifyAt(token, { expected: { nonce: undefined, before } })
    if (fault === undefined) await expect(trial).resolves.toMatchObject({ sub: 'person-1' })
    else await expect(trial).rejects.toEqual(refusal(fault))
    if (!('auth_time' in change)) return
    const skipped = verifyAt(token, { expected: { nonce: undefined, before }, idToken: { skipChecks: ['auth_time'] } })
    await expect(skipped).resolves.toMatchObject({ sub: 'person-1' })
  })

  it('RFR-06 OIDC Core §12.2: after a refresh, another issuer is refused though the rule takes both', async () => {
    const issuers = ['https://tenant.example/a/', 'https://tenant.example/b/']
    const idToken = { issuer: (claimed: string) => issuers.includes(claimed) }
    const [before, after] = issuers.map((iss) => ({ ...soundClaims(), iss }))
    const expected = { nonce: undefined, before: before! }
    const attempt = async (claims: object) => verifyAt(await sandbox.signIdToken(claims), { idToken, expected })
    await expect(attempt(before!)).resolves.toMatchObject({ iss: issuers[0] })
    await expect(attempt(after!)).rejects.toEqual(refusal(/"iss" is another one than before/))
  })

  it('IDT-02 OIDC Core §3.1.3.7 no. 2: the refusal of an issuer shows both, and the rule that would take it', async () => {
    const token = await sandbox.signIdToken({ ...soundClaims(), iss: `${sandbox.issuer}/` })
    const { message } = (await failureOf(() => verifyAt(token))) as Error
    expect(message).toContain(`its "iss" is ${sandbox.issuer}/, but the server's issuer is ${sandbox.issuer};`)
    expect(message).toContain('set the dialect rule idToken.issuer')
    expect(message).toContain('metadata.issuer')
    const repaired = verifyAt(token, { idToken: { issuer: `${sandbox.issuer}/` } })
    await expect(repaired).resolves.toMatchObject({ iss: `${sandbox.issuer}/` })
    await expect(verifyAt(token, { metadata: { issuer: `${sandbox.issuer}/` } })).resolves.toBeDefined()
  })
})

describe('the type of a token', () => {
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const publicJwk = keys.publicKey.export({ format: 'jwk' })
  const signed = (header: object) =>
    new SignJWT(soundClaims()).setProtectedHeader({ alg: 'RS256', ...header }).sign(keys.privateKey)

  async function verifyTyped(token: string, idToken: DialectOverrides['idToken'] = {}) {
    const server = await startServer((_request, response) => void response.end(JSON.stringify({ keys: [publicJwk] })))
    return verifyAt(token, { idToken, metadata: { jwks_uri: `${server.origin}/keys` } })
  }

  it.each([undefined, 'JWT', 'jwt', 'JOSE'])('IDT-01 RFC 7519 §5.1: %s is one of an id_token', async (typ) => {
    await expect(verifyTyped(await signed(typ === undefined ? {} : { typ }))).resolves.toMatchObject({
      sub: 'person-1',
    })
  })

  it.each(['at+jwt', 'logout+jwt', 'token-introspection+jwt', 'secevent+jwt', 'dpop+jwt', ''])(
    'IDT-01 RFC 8725 §3.11: %j is another token, and refused in each mode',
    async (typ) => {
      const token = await signed({ typ })
      for (const mode of ['verify', 'decode'] as const) {
        await expect(verifyTyped(token, { mode })).rejects.toEqual(refusal(/"typ".*skipChecks: \['typ'\]/))
        await expect(verifyTyped(token, { mode, skipChecks: ['typ'] })).resolves.toMatchObject({ sub: 'person-1' })
      }
    },
  )
})

describe('several keys that fit', () => {
  const pairs = Array.from({ length: 3 }, () => generateKeyPairSync('rsa', { modulusLength: 2048 }))
  const jwkOf = (index: number, kid?: string) => ({
    ...pairs[index]!.publicKey.export({ format: 'jwk' }),
    ...(kid && { kid }),
  })
  const signedBy = (index: number, kid?: string) =>
    new SignJWT(soundClaims()).setProtectedHeader({ alg: 'RS256', ...(kid && { kid }) }).sign(pairs[index]!.privateKey)

  async function verifyWith(token: string, published: object[]) {
    const server = await startServer((_request, response) => void response.end(JSON.stringify({ keys: published })))
    return verifyAt(token, { metadata: { jwks_uri: `${server.origin}/keys` } })
  }

  it('IDT-05 RFC 7517 §4.5: of two keys with one kid, each is tried', async () => {
    const published = [jwkOf(0, 'one'), jwkOf(1, 'one'), jwkOf(2, 'two')]
    for (const index of [0, 1]) {
      await expect(verifyWith(await signedBy(index, 'one'), published)).resolves.toMatchObject({ sub: 'person-1' })
    }
    await expect(verifyWith(await signedBy(2, 'one'), published)).rejects.toEqual(refusal(/signature.*2 keys/))
  })

  it('IDT-05 RFC 7517 §4.5: without a kid, each key of the type is tried, those that cannot be imported left out', async () => {
    const broken = { kty: 'RSA', n: 'AQAB', e: 'AQAB' }
    const published = [broken, jwkOf(0, 'one'), { ...jwkOf(1), use: 'enc' }, jwkOf(2)]
    for (const index of [0, 2]) {
      await expect(verifyWith(await signedBy(index), published)).resolves.toMatchObject({ sub: 'person-1' })
    }
    await expect(verifyWith(await signedBy(1), published)).rejects.toEqual(refusal(/signature/))
  })

  it('IDT-05 a hostile server cannot make the app try its keys without end', async () => {
    const crowd = Array.from({ length: 500 }, () => jwkOf(0, 'one'))
    const token = await signedBy(1, 'one')
    await expect(verifyWith(token, [...crowd, jwkOf(1, 'one')])).rejects.toEqual(refusal(/more than 10 keys/))
    await expect(verifyWith(token, [...crowd.slice(0, 9), jwkOf(1, 'one')])).resolves.toMatchObject({ sub: 'person-1' })
  })

  it.each([
    ['without a kid', undefined],
    ['with the kid of the key before', 'signing'],
  ])('IDT-05 OIDC Core §10.1.1: after a rotation, an id_token %s is verified by the new key', async (_name, kid) => {
    const [before, after, forged] = await Promise.all([0, 1, 2].map((index) => signedBy(index, kid)))
    let published = [jwkOf(0, kid)]
    const server = await startServer((_request, response) => void response.end(JSON.stringify({ keys: published })))
    const clock = { now: NOW }
    const issuerKeys = new IssuerKeys({}, () => clock.now)
    const metadata = { issuer: sandbox.issuer, jwks_uri: `${server.origin}/keys`, sources: [], documents: [] }
    const sources = { client: registeredClient(), metadata, issuerKeys, now: NOW }
    const verify = (token = '') => verifyIdToken(token, { nonce: NONCE }, sources)

    await expect(verify(before)).resolves.toMatchObject({ sub: 'person-1' })
    published = [jwkOf(1, kid)]
    await expect(verify(after)).rejects.toEqual(refusal(/signature/)) // the pause after a fetch
    expect(server.requests).toHaveLength(1)
    clock.now += 31_000
    const logins = await Promise.all(Array.from({ length: 20 }, () => verify(after)))
    expect(logins.map((claims) => claims?.sub)).toEqual(Array(20).fill('person-1'))
    expect(server.requests).toHaveLength(2)

    clock.now += 31_000
    for (let times = 0; times < 20; times++) await expect(verify(forged)).rejects.toEqual(refusal(/signature/))
    expect(server.requests).toHaveLength(3)
    await expect(verify(after)).resolves.toMatchObject({ sub: 'person-1' })
  })

  it('IDT-05 after a rotation to another type of key, an id_token without a kid is verified by it', async () => {
    const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    let published: object[] = [jwkOf(0)]
    const server = await startServer((_request, response) => void response.end(JSON.stringify({ keys: published })))
    const clock = { now: NOW }
    const issuerKeys = new IssuerKeys({}, () => clock.now)
    await issuerKeys.get(`${server.origin}/keys`, undefined)
    published = [elliptic.publicKey.export({ format: 'jwk' })]
    clock.now += 31_000
    const token = await new SignJWT(soundClaims()).setProtectedHeader({ alg: 'ES256' }).sign(elliptic.privateKey)
    const metadata = { issuer: sandbox.issuer, jwks_uri: `${server.origin}/keys`, sources: [], documents: [] }
    const sources = { client: registeredClient(), metadata, issuerKeys, now: NOW }
    await expect(verifyIdToken(token, { nonce: NONCE }, sources)).resolves.toMatchObject({ sub: 'person-1' })
  })

  it('IDT-01 a claim that is wrong is the reason, whichever key fits', async () => {
    const late = new SignJWT({ ...soundClaims(), aud: 'another' }).setProtectedHeader({ alg: 'RS256' })
    const published = [jwkOf(0), jwkOf(1)]
    await expect(verifyWith(await late.sign(pairs[1]!.privateKey), published)).rejects.toEqual(refusal(/"aud"/))
  })
})

describe('signature and algorithm', () => {
  const signatureFault = /signature|kid|key/i

  it('IDT-01 refuses a key that the issuer does not publish, a changed payload and a stripped signature', async () => {
    const claims = soundClaims()
    const [header, , signature] = (await sandbox.signIdToken(claims)).split('.')
    const forged = [
      await sandbox.signIdToken(claims, { key: 'unknown' }),
      `${header}.${encoded({ ...claims, sub: 'person-2' })}.${signature}`,
      `${header}.${encoded(claims)}.`,
    ]
    for (const token of forged) await expect(verifyAt(token)).rejects.toEqual(refusal(signatureFault))
  })

  it('IDT-03 refuses alg none, with a signature part or without', async () => {
    const none = await sandbox.signIdToken(soundClaims(), { alg: 'none' })
    for (const token of [none, `${none}c2ln`, `${encoded({ alg: 'none' })}.${encoded(soundClaims())}.`]) {
      await expect(verifyAt(token)).rejects.toEqual(refusal(/alg/i))
    }
  })

  it('IDT-03 refuses HS256 with the public key, or the client secret, as its secret', async () => {
    const { keys } = (await (await fetch(`${sandbox.issuer}/jwks`)).json()) as { keys: [Record<string, string>] }
    const pem = createPublicKey({ key: { ...keys[0] }, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
    for (const secret of [pem, 'a-client-secret']) {
      const input = `${encoded({ alg: 'HS256', typ: 'JWT', kid: keys[0].kid })}.${encoded(soundClaims())}`
      const token = `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
      await expect(verifyAt(token)).rejects.toEqual(refusal(/alg/i))
    }
  })

  it('IDT-03 fetches no keys for a token of an algorithm that is not taken', async () => {
    const tokens = [
      await sandbox.signIdToken(soundClaims(), { alg: 'none' }),
      `${encoded({ alg: 'HS256', kid: 'k' })}.${encoded(soundClaims())}.c2ln`,
    ]
    for (const token of tokens) await expect(verifyAt(token)).rejects.toEqual(refusal(/alg/i))
    expect(sandbox.requestsTo('/jwks')).toEqual([])
  })

  it('IDT-03 takes RS256, and RS384 as in the example of SMART, but only what the server lists if it lists any', async () => {
    for (const alg of ['RS256', 'RS384']) {
      // Bare keys: the sandbox's own say RS256, others do not name an algorithm.
      const { keys } = (await (await fetch(`${sandbox.issuer}/jwks`)).json()) as { keys: Record<string, string>[] }
      const bare = keys.map(({ kty, n, e, kid }) => ({ kty, n, e, kid }))
      const server = await startServer((_request, response) => void response.end(JSON.stringify({ keys: bare })))
      const token = await sandbox.signIdToken(soundClaims(), { alg })
      const trial = (listed?: string[]) =>
        verifyAt(token, {
          metadata: {
            jwks_uri: `${server.origin}/keys`,
            ...(listed && { id_token_signing_alg_values_supported: listed }),
          },
        })
      await expect(trial()).resolves.toMatchObject({ sub: 'person-1' })
      await expect(trial([alg])).resolves.toMatchObject({ sub: 'person-1' })
      await expect(trial(['ES256'])).rejects.toEqual(refusal(/alg/i))
      await expect(trial(['none', 'HS256'])).rejects.toEqual(refusal(/alg/i))
    }
  })

  it.each(['', 'opaque', 'a.b.c', 'a.b.c.d.e', `${encoded({ alg: 'RS256' })}.bm90IGpzb24.c2ln`, '..'])(
    'IDT-01 refuses what is no signed JWT: %j',
    async (token) => {
      await expect(verifyAt(token)).rejects.toMatchObject({ code: 'invalid_id_token' })
      await expect(verifyAt(token, { idToken: { mode: 'decode' } })).rejects.toMatchObject({
        code: 'invalid_id_token',
      })
    },
  )
})

describe('where the keys come from', () => {
  it('IDT-02 a token that names an attacker as issuer, jku and x5u causes no request there', async () => {
    const attacker = await startServer((_request, response) => void response.end('{"keys":[]}'))
    const claims = { ...soundClaims(), iss: attacker.origin }
    const header = { alg: 'RS256', kid: 'k', jku: `${attacker.origin}/jwks`, x5u: `${attacker.origin}/x5u` }
    for (const token of [await sandbox.signIdToken(claims), `${encoded(header)}.${encoded(claims)}.c2ln`]) {
      await expect(verifyAt(token)).rejects.toMatchObject({ code: 'invalid_id_token' })
    }
    expect(attacker.requests).toEqual([])
  })

  it('IDT-02 without a known issuer, nothing is verified against the one that the token names', async () => {
    const token = await sandbox.signIdToken(soundClaims())
    const unknown = { sources: [], documents: [] }
    const keys = new IssuerKeys({}, () => NOW)
    const attempt = verifyIdToken(
      token,
      { nonce: NONCE },
      { client: registeredClient(), metadata: unknown, issuerKeys: keys, now: NOW },
    )
    await expect(attempt).rejects.toEqual(refusal(/issuer/))
    expect(sandbox.requests).toEqual([])
  })

  it('IDT-02 the dialect can name another issuer than discovery does', async () => {
    const token = await sandbox.signIdToken({ ...soundClaims(), iss: 'https://tenant.example/' })
    const trial = verifyAt(token, { idToken: { issuer: 'https://tenant.example/' } })
    await expect(trial).resolves.toMatchObject({ iss: 'https://tenant.example/' })
  })

  it('IDT-02 a dialect’s own check of the issuer is given the discovered one, and what it refuses is refused', async () => {
    const issuer = (claimed: string, discovered: string | undefined) => claimed === `${discovered}/tenant-1/`
    const verify = async (iss: unknown, mode: 'verify' | 'decode') =>
      verifyAt(await sandbox.signIdToken({ ...soundClaims(), iss }), { idToken: { issuer, mode } })
    for (const mode of ['verify', 'decode'] as const) {
      const iss = `${sandbox.issuer}/tenant-1/`
      await expect(verify(iss, mode)).resolves.toMatchObject({ iss })
      for (const wrong of [`${sandbox.issuer}/tenant-2/`, sandbox.issuer, undefined, 5, [iss]]) {
        await expect(verify(wrong, mode)).rejects.toEqual(refusal(/"iss"/))
      }
    }
  })
})

describe('how strict to be', () => {
  it('IDT-10 by default a token straight from the token endpoint is verified too', async () => {
    const token = await sandbox.signIdToken(soundClaims(), { key: 'unknown' })
    await expect(verifyAt(token)).rejects.toMatchObject({ code: 'invalid_id_token' })
  })

  it('IDT-10 IDT-11 mode decode leaves out the signature and nothing else', async () => {
    const decode = { idToken: { mode: 'decode' } } as const
    const sign = (change: object) => sandbox.signIdToken({ ...soundClaims(), ...change }, { key: 'unknown' })
    await expect(verifyAt(await sign({}), decode)).resolves.toMatchObject({ sub: 'person-1' })
    for (const change of [{ iss: 'https://x' }, { aud: 'x' }, { exp: 1 }, { nonce: 'x' }, { azp: 'x' }]) {
      await expect(verifyAt(await sign(change), decode)).rejects.toMatchObject({ code: 'invalid_id_token' })
    }
    expect(sandbox.requestsTo('/jwks')).toEqual([])
  })

  it('IDT-11 mode ignore drops the id_token unread, a compressed JWE included', async () => {
    await expect(verifyAt('a.b.c.d.e', { idToken: { mode: 'ignore' } })).resolves.toBeUndefined()
  })

  it('IDT-11 the dialect can name another audience than the client id', async () => {
    const token = await sandbox.signIdToken({ ...soundClaims(), aud: 'https://practice.example' })
    const audience = ['https://other.example', 'https://practice.example']
    await expect(verifyAt(token, { idToken: { audience } })).resolves.toMatchObject({ sub: 'person-1' })
    await expect(verifyAt(token, { idToken: { audience: 'another' } })).rejects.toEqual(refusal(/"aud"/))
  })
})

describe('in a login', () => {
  async function startApp(scope: string) {
    const sandbox = await startSandbox({ consent: 'auto' })
    const app = await startCoreApp(
      (origin) => {
        const redirectUri = `${origin}/callback`
        sandbox.registerClient({ clientId: 'app', redirectUris: [redirectUri] })
        const session = { secret: crypto.randomUUID() }
        return createSmartLaunch({ fhirBaseUrl: sandbox.fhirBaseUrl, clientId: 'app', redirectUri, scope, session })
      },
      (fhir) => ({ sub: fhir?.idToken?.sub, iss: fhir?.idToken?.iss, fhirUser: fhir?.fhirUser }),
    )
    return { sandbox, app }
  }

  it('IDT-01 IDT-06 IDT-09 a person is logged in with the identity that the server signed', async () => {
    const { sandbox, app } = await startApp('openid fhirUser launch/patient')
    const response = await createUserAgent().signIn(`${app.origin}/login`)
    const [patient] = sandbox.patients
    const url = `${sandbox.fhirBaseUrl}/Patient/${patient?.id}`
    expect(await response.json()).toEqual({
      sub: expect.any(String),
      iss: sandbox.issuer,
      fhirUser: { type: 'Patient', id: patient?.id, url },
    })
  })

  it('IDT-01 a login with a bad id_token ends in a problem, and nobody is logged in', async () => {
    const { sandbox, app } = await startApp('openid fhirUser launch/patient')
    const token = await sandbox.signIdToken({ ...soundClaims(), iss: sandbox.issuer, nonce: 'another' })
    sandbox.fault({ at: 'token', kind: 'json', patch: (body) => ({ ...body, id_token: token }) })
    const browser = createUserAgent()
    const response = await browser.signIn(`${app.origin}/login`)
    expect(response.status).toBe(502)
    expect(await response.text()).toContain('Something went wrong')
    expect((await browser.request(`${app.origin}/`)).status).toBe(401)
  })

  it('IDT-11 without openid there is no id_token, and that is fine', async () => {
    const { app } = await startApp('launch/patient patient/*.rs')
    const response = await createUserAgent().signIn(`${app.origin}/login`)
    expect([response.status, await response.json()]).toEqual([200, {}])
  })
})

describe('an id_token that was not requested', () => {
  it.each(['with no issuer known', 'with no keys known', 'signed by nobody that is known'])(
    'IDT-02 OIDC Core §3.1.2.1: %s, it is ignored with an event, and the person is logged in',
    async (what) => {
      const sandbox = await startSandbox({ consent: 'auto' })
      const { onEvent, outcomes } = createEventLog()
      const { issuer } = sandbox
      const endpoints = { authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` }
      const metadata = what.endsWith('issuer known')
        ? endpoints
        : what.endsWith('keys known')
          ? { ...endpoints, issuer }
          : {}
      const app = await startCoreApp(
        (origin) => {
          const redirectUri = `${origin}/callback`
          sandbox.registerClient({ clientId: 'app', redirectUris: [redirectUri] })
          return createSmartLaunch({
            ...{ fhirBaseUrl: sandbox.fhirBaseUrl, clientId: 'app', redirectUri, scope: 'launch/patient patient/*.rs' },
            session: { secret: crypto.randomUUID() },
            metadata,
            onEvent,
          })
        },
        (fhir) => ({ patient: fhir?.patient, idToken: fhir?.idToken }),
      )
      // Where no issuer is known, a server may not name one here either (RFC 9207 §2.4).
      if (what.endsWith('issuer known'))
        sandbox.fault({ at: 'callback', kind: 'callback', patch: (params) => params.delete('iss') })
      const idToken = await sandbox.signIdToken({ ...soundClaims(), iss: sandbox.issuer }, { key: 'unknown' })
      sandbox.fault({ at: 'token', kind: 'json', patch: (body) => ({ ...body, id_token: idToken }) })
      const response = await createUserAgent().signIn(`${app.origin}/login`)
      expect([response.status, await response.json()]).toEqual([200, { patient: sandbox.patients[0]?.id }])
      expect(outcomes.map(({ type }) => type)).toEqual(['id_token_ignored', 'login'])
      expect(outcomes[0]).toMatchObject({ error: { name: 'FhirAuthError' } })
    },
  )
})

describe('fhirUser', () => {
  const BASE = 'https://ehr.example/tenant/fhir'
  const claimsWith = (members: object): IdTokenClaims => ({ iss: 'https://ehr.example', sub: '1', ...members })

  it.each(['Patient', 'Practitioner', 'PractitionerRole', 'RelatedPerson', 'Person'])(
    'IDT-06 a relative %s is resolved against the FHIR base URL, with or without its slash',
    (type) => {
      const fhirUser = { type, id: 'abc-1', url: `${BASE}/${type}/abc-1` }
      expect(fhirUserOf(claimsWith({ fhirUser: `${type}/abc-1` }), BASE)).toEqual(fhirUser)
      expect(fhirUserOf(claimsWith({ fhirUser: `${type}/abc-1` }), `${BASE}/`)).toEqual(fhirUser)
      expect(fhirUserOf(claimsWith({ fhirUser: fhirUser.url }), BASE)).toEqual(fhirUser)
    },
  )

  it.each([
    'Practitioner/7/_history/3',
    'Practitioner/7/',
    'Practitioner/7/_history/3/',
    '/Practitioner/7',
    `${BASE}/Practitioner/7`,
    `${BASE}/Practitioner/7/`,
    `${BASE}/Practitioner/7/_history/3`,
    'https://EHR.example:443/tenant/fhir/Practitioner/7',
  ])('IDT-06 FHIR R4 §2.3.0.1: %s is Practitioner/7', (fhirUser) => {
    const expected = { type: 'Practitioner', id: '7', url: `${BASE}/Practitioner/7` }
    expect(fhirUserOf(claimsWith({ fhirUser }), BASE)).toEqual(expected)
  })

  it.each([
    'Practitioner/7/_history',
    'Practitioner/7/_history/',
    'Practitioner/_history/3',
    'Practitioner/7//',
    '_history/3',
  ])('IDT-06 and %s is nobody', (fhirUser) => {
    expect(fhirUserOf(claimsWith({ fhirUser }), BASE)).toBeUndefined()
  })

  it('IDT-08 an absolute fhirUser on another origin is returned as it is', () => {
    const url = 'https://directory.example/r4/Practitioner/7'
    expect(fhirUserOf(claimsWith({ fhirUser: url }), BASE)).toEqual({ type: 'Practitioner', id: '7', url })
  })

  it.each([
    'Device/1',
    'Patient',
    'Patient/',
    'Patient/a%2f..%2fb',
    'Patient/a_b',
    `Patient/${'x'.repeat(65)}`,
    '/',
    '',
    'javascript:Patient/1',
    'ftp://x/Patient/1',
    'http://[',
    5,
    {},
    [],
  ])('IDT-06 what is no person of FHIR is no fhirUser: %j', (fhirUser) => {
    expect(fhirUserOf(claimsWith({ fhirUser, profile: undefined }), BASE)).toBeUndefined()
  })

  it('IDT-07 profile serves only where fhirUser is absent', () => {
    expect(fhirUserOf(claimsWith({ profile: 'Patient/2' }), BASE)?.id).toBe('2')
    expect(fhirUserOf(claimsWith({ fhirUser: 'Patient/1', profile: 'Patient/2' }), BASE)?.id).toBe('1')
    expect(fhirUserOf(claimsWith({ fhirUser: 'Device/1', profile: 'Patient/2' }), BASE)).toBeUndefined()
    expect(fhirUserOf(undefined, BASE)).toBeUndefined()
  })

  it('IDT-06 SEC-09 any JSON at all gives a person of a known type with an http URL, or nothing', () => {
    const text = fc.oneof(fc.string(), fc.webUrl(), fc.constantFrom('Patient/1', '//evil/Patient/1', '../Patient/1#x'))
    const keys = fc.oneof(fc.constantFrom('fhirUser', 'profile', '__proto__'), fc.string())
    const claims = fc
      .array(fc.tuple(keys, fc.oneof(text, fc.jsonValue())))
      .map((entries) =>
        JSON.parse(`{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)}}`),
      )
    fc.assert(
      fc.property(claims, (candidate) => {
        const user = fhirUserOf(candidate, BASE)
        if (user === undefined) return
        expect(user.type).toMatch(/^(Patient|Practitioner|PractitionerRole|RelatedPerson|Person)$/)
        expect(user.id).toMatch(/^[^/]+$/)
        expect(new URL(user.url).protocol).toMatch(/^https?:$/)
      }),
      { numRuns: 500 },
    )
  })
})
