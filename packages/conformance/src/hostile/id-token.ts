import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { expect } from 'vitest'
import type { ConformanceCase } from '../conformance-case.ts'
import { beginAtHostile } from './hostile-login.ts'

const own = newKey()
const unpublished = newKey()

interface Forgery {
  header?: object
  claims?: object
  /** Default: by the key that the server publishes. */
  sign?: (input: string) => Buffer
}

/** Tokens that a server, or somebody between it and the app, may send instead of its own id_token. */
const FORGERIES: Readonly<Record<string, (now: number) => Forgery>> = {
  'that is not signed (alg none, RFC 8725 §2.1)': () => ({
    header: { alg: 'none' },
    sign: () => Buffer.alloc(0),
  }),
  'that is signed with the public key as a secret (HS256, RFC 8725 §2.1)': () => ({
    header: { alg: 'HS256' },
    sign: (input) => createHmac('sha256', own.pem).update(input).digest(),
  }),
  'that is signed with a key that its own header brings (RFC 8725 §3.10)': () => ({
    header: { jwk: unpublished.jwk },
    sign: (input) => signEs256(input, unpublished.privateKey),
  }),
  'that is signed with a key that is not published (OIDC Core §3.1.3.7 no. 6)': () => ({
    sign: (input) => signEs256(input, unpublished.privateKey),
  }),
  'that was changed after it was signed (OIDC Core §3.1.3.7 no. 6)': () => ({
    sign: (input) => signEs256(`${input}x`, own.privateKey),
  }),
  'of another issuer (OIDC Core §3.1.3.7 no. 2)': () => ({ claims: { iss: 'https://ehr.other.example' } }),
  'for another client (OIDC Core §3.1.3.7 no. 3)': () => ({ claims: { aud: 'another-client' } }),
  'for several clients, without azp (OIDC Core §3.1.3.7 no. 4)': (now) => ({
    claims: { aud: ['conformance-portal', 'another-client'], exp: now + 60 },
  }),
  'whose azp is another client (OIDC Core §3.1.3.7 no. 5)': () => ({ claims: { azp: 'another-client' } }),
  'that has expired (OIDC Core §3.1.3.7 no. 9)': (now) => ({ claims: { exp: now - 3600 } }),
  'with another nonce (NONCE-01, OIDC Core §3.1.3.7 no. 11)': () => ({ claims: { nonce: 'of-another-login' } }),
  'whose subject is no text (OIDC Core §2)': () => ({ claims: { sub: { toString: 'x' } } }),
}

export const hostileIdToken: readonly ConformanceCase[] = Object.entries(FORGERIES).map(([what, forgeryAt]) => ({
  rule: `IDT-01 an id_token ${what} logs nobody in`,
  app: { registeredAt: 'hostile', launch: { scope: 'openid fhirUser launch/patient patient/*.rs' } },
  async run({ hostile, visitor, recipe }) {
    const now = Math.floor(Date.now() / 1000)
    hostile.change('/jwks', () => ({ keys: [{ ...own.jwk, kid: 'own', alg: 'ES256', use: 'sig' }] }))
    const logInWith = async ({ header, claims, sign = (input) => signEs256(input, own.privateKey) }: Forgery) => {
      const browser = visitor()
      const { state, nonce } = await beginAtHostile(browser)
      const usual = { iss: hostile.origin, sub: 'p', aud: recipe.launch?.clientId, iat: now, exp: now + 300, nonce }
      const input = [
        { alg: 'ES256', kid: 'own', ...header },
        { ...usual, ...claims },
      ]
        .map(encode)
        .join('.')
      const id_token = `${input}.${sign(input).toString('base64url')}`
      hostile.change('/token', (body) => ({ ...body, id_token }))
      const answer = await browser.ask(`/callback?${new URLSearchParams({ code: crypto.randomUUID(), state })}`)
      return { answer, guarded: await browser.ask('/guarded') }
    }
    const honest = await logInWith({})
    expect([honest.answer.status, honest.guarded.status]).toEqual([303, 200])
    const forged = await logInWith(forgeryAt(now))
    expect([forged.answer.status, forged.answer.json().code]).toEqual([502, 'invalid_id_token'])
    expect(forged.guarded.status).toBe(401)
  },
}))

function newKey() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    privateKey,
    jwk: publicKey.export({ format: 'jwk' }),
    pem: publicKey.export({ format: 'pem', type: 'spki' }),
  }
}

function signEs256(input: string, key: KeyObject): Buffer {
  return sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
