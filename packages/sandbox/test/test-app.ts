import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { createSandbox, createUserAgent, type Sandbox, type SandboxOptions, type SignInChoice } from '../src/index.ts'

// A client written against the specifications alone, so that it can disagree with the sandbox.

export type Json = Record<string, unknown>

export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await createSandbox(options)
  onTestFinished(() => sandbox.close())
  return sandbox
}

/** A server of the app's: answers its callback, and its key set. */
export async function startApp(): Promise<{
  origin: string
  redirectUri: string
  jwksUrl: string
  jwks: { keys: object[]; cacheControl: string | undefined; fetched: number }
}> {
  const jwks = { keys: [] as object[], cacheControl: undefined as string | undefined, fetched: 0 }
  const server = createServer((request, response) => {
    if (request.url === '/jwks.json') {
      jwks.fetched += 1
      if (jwks.cacheControl) response.setHeader('cache-control', jwks.cacheControl)
      response.end(JSON.stringify({ keys: jwks.keys }))
    } else response.end('the app')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { origin, redirectUri: `${origin}/callback`, jwksUrl: `${origin}/jwks.json`, jwks }
}

export const basic = (id: string, secret: string): { authorization: string } => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
})

export async function post(
  url: string,
  form: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Json }> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(form), headers, redirect: 'manual' })
  const text = await response.text()
  return { status: response.status, body: text === '' ? {} : JSON.parse(text) }
}

export const challengeOf = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url')

/** Sends a person through the authorization endpoint; returns the parameters that came back to the app. */
export async function authorize(
  sandbox: Sandbox,
  params: Record<string, string | undefined>,
  choice?: SignInChoice,
): Promise<URLSearchParams> {
  const query = new URLSearchParams()
  const all = { response_type: 'code', aud: sandbox.fhirBaseUrl, state: 'the-state', ...params }
  for (const [name, value] of Object.entries(all)) if (value !== undefined) query.set(name, value)
  const response = await createUserAgent().signIn(`${sandbox.issuer}/authorize?${query}`, choice)
  return new URL(response.url).searchParams
}

export interface AppKey {
  alg: 'RS384' | 'ES384'
  kid: string
  publicJwk: object
  privateKey: KeyObject
}

export function createKey(alg: AppKey['alg'] = 'ES384', kid: string = randomBytes(8).toString('hex')): AppKey {
  const { privateKey, publicKey } =
    alg === 'ES384'
      ? generateKeyPairSync('ec', { namedCurve: 'P-384' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { alg, kid, publicJwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' }, privateKey }
}

export function signAssertion({ alg, kid, privateKey }: AppKey, claims: object, header: object = {}): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const input = `${encode({ alg, typ: 'JWT', kid, ...header })}.${encode(claims)}`
  const signature = sign('sha384', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}

export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export function assertionForm(
  sandbox: Sandbox,
  key: AppKey,
  clientId: string,
  claims: object = {},
): Record<string, string> {
  const now = Math.floor(Date.now() / 1000)
  const all = {
    iss: clientId,
    sub: clientId,
    aud: `${sandbox.issuer}/token`,
    iat: now,
    exp: now + 120,
    jti: randomBytes(16).toString('hex'),
    ...claims,
  }
  return { client_assertion_type: assertionType, client_assertion: signAssertion(key, all) }
}

export const decode = (jwt: unknown, part = 1): Json =>
  JSON.parse(Buffer.from(String(jwt).split('.')[part] ?? '', 'base64url').toString())
