import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  backendServices,
  clientSecretBasic,
  createBackendServices,
  fhirOf,
  intelichart,
  loadKeySet,
  requireFhir,
  smartLaunch,
} from '@fhir-auth/express'
import { createSandbox, createUserAgent, type RecordedRequest, type Sandbox } from '@fhir-auth/sandbox'
import express, { type Express } from 'express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

// docs/intelichart.md shows each request of both flows. They are what the sandbox recorded, with hosts and secrets
// replaced; `WRITE_DOCS=1` writes them into the page.

const PAGE = new URL('../../../docs/intelichart.md', import.meta.url)
const closing: (() => unknown)[] = []
let sandbox: Sandbox
let portal: string
let jobs: string
const blocks = new Map<string, string>()

beforeAll(async () => {
  const portalServer = await serve()
  const jobServer = await serve()
  portal = portalServer.origin
  jobs = jobServer.origin
  sandbox = await createSandbox({
    mode: 'intelichart',
    consent: 'auto',
    accessTokenSeconds: 5,
    clients: [
      { clientId: '{client id}', clientSecret: 'secret-of-this-run', redirectUris: [`${portal}/callback`] },
      { clientId: '{system client id}', jwksUrl: `${jobs}/.well-known/jwks.json` },
    ],
  })
  closing.push(() => sandbox.close())
  let offset = 0
  portalServer.mount((app) => {
    app.use(
      smartLaunch({
        fhirBaseUrl: sandbox.fhirBaseUrl,
        dialect: intelichart(),
        clientId: '{client id}',
        clientAuth: clientSecretBasic('secret-of-this-run'),
        redirectUri: `${portal}/callback`,
        scope: 'openid fhirUser launch/patient patient/*.rs offline_access',
        session: { secret: 'only-for-this-test-run-0123456789' },
        now: () => Date.now() + offset,
      }),
    )
    app.get('/me', requireFhir({ patient: true }), async (req, res) => {
      const fhir = fhirOf(req)
      res.json(await fhir.json(`Patient/${fhir.patient}`))
    })
  })
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const keys = await loadKeySet(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  jobServer.mount((app) => {
    app.use(
      backendServices({
        fhirBaseUrl: sandbox.fhirBaseUrl,
        dialect: intelichart({ jwksUrl: `${jobs}/.well-known/jwks.json` }),
        clientId: '{system client id}',
        keys,
        scope: 'system/Patient.rs',
      }),
    )
    app.get('/patients', requireFhir({ visitor: 'unchecked' }), async (req, res) => {
      res.json(await fhirOf(req).json('Patient?_count=10'))
    })
  })

  const browser = createUserAgent()
  await browser.signIn(`${portal}/login?returnTo=/me`)
  blocks.set('discovery', shown(only('/.well-known/smart-configuration')))
  blocks.set('authorize', shown(only('/authorize')))
  const callback = browser.history.find(({ url }) => url.startsWith(`${portal}/callback`))
  blocks.set('callback', requestText('GET', new URL(callback?.url ?? '')))
  blocks.set('code-exchange', shown(only('/token')))
  blocks.set('fhir-read', shown(only(/^\/Patient\//)))
  sandbox.clearRequests()
  offset = 6_000
  await browser.visit(`${portal}/me`)
  blocks.set('refresh', shown(only('/token')))
  sandbox.clearRequests()
  expect((await fetch(`${jobs}/patients`)).status).toBe(200)
  const tokenRequest = only('/token')
  blocks.set('client-credentials', shown(tokenRequest))
  blocks.set('jwks', requestText('GET', new URL(`${jobs}/.well-known/jwks.json`)))
  blocks.set('assertion', shownAssertion(tokenRequest.form.get('client_assertion') ?? ''))

  const bare = await createSandbox({ mode: 'intelichart', smartConfiguration: false })
  closing.push(() => bare.close())
  const misconfigured = createBackendServices({
    fhirBaseUrl: bare.fhirBaseUrl,
    dialect: intelichart({ issuer: bare.issuer, jwksUrl: `${jobs}/.well-known/jwks.json` }),
    clientId: 'none',
    keys,
    scope: 'system/Patient.rs',
  })
  await expect(misconfigured.context()).rejects.toThrow('invalid_client')
  const [openid] = bare.requestsTo('/.well-known/openid-configuration')
  expect(openid?.status).toBe(200)
  if (openid) blocks.set('openid-discovery', shown(openid))
})

afterAll(() => Promise.all(closing.map((close) => close())))

describe('docs/intelichart.md', () => {
  it('shows every request as the sandbox recorded it', () => {
    const page = readFileSync(PAGE, 'utf8')
    const written = page.replace(
      /<!-- (?:request: )?([\w-]+) -->\n(?:\n```(?:http|json)\n[\s\S]*?\n```\n)?/g,
      (marker, name: string) => `${marker.split('\n')[0]}\n\n${blocks.get(name) ?? 'not recorded'}\n`,
    )
    if (process.env.WRITE_DOCS) writeFileSync(PAGE, written)
    expect(readFileSync(PAGE, 'utf8')).toBe(written)
  })
})

async function serve(): Promise<{ origin: string; mount(build: (app: Express) => void): void }> {
  const app = express()
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, mount: (build) => build(app) }
}

function only(path: string | RegExp): RecordedRequest {
  const [request, ...others] = sandbox.requestsTo(path)
  if (!request || others.length > 0)
    throw new Error(`expected one request to ${path}, got ${others.length + (request ? 1 : 0)}`)
  expect(request.status).toBeLessThan(400)
  return request
}

function shown({ host, method, url, headers, form }: RecordedRequest): string {
  const origin = host === 'fhir' ? sandbox.origin.fhir : sandbox.origin.auth
  return requestText(method, new URL(url, origin), headers, form)
}

/** Headers that carry meaning; the others are the HTTP library's own. */
const HEADERS = ['accept', 'authorization', 'content-type']

function requestText(
  method: string,
  url: URL,
  headers: Record<string, string> = {},
  form = new URLSearchParams(),
): string {
  const target = `${url.pathname}${parameterLines('?', url.searchParams)}`
  const head = HEADERS.flatMap((name) => (headers[name] ? [`${name}: ${headerValue(headers[name])}`] : []))
  const body = form.size > 0 ? ['', parameterLines('', form)] : []
  const text = [`${method} ${target}`, `host: ${url.host}`, ...head, ...body].join('\n')
  return `\`\`\`http\n${exampleHosts(text)}\n\`\`\``
}

function parameterLines(start: string, parameters: URLSearchParams): string {
  const lines = [...parameters].map(([name, value]) => `${name}=${SECRETS.has(name) ? `{${name}}` : value}`)
  return lines.map((line, index) => `${index === 0 ? start : '\n  &'}${line}`).join('')
}

const SECRETS = new Set([
  ...['code', 'state', 'nonce', 'code_challenge', 'code_verifier', 'session_state'],
  ...['client_assertion', 'refresh_token'],
])

function headerValue(value: string): string {
  return value.startsWith('Bearer ')
    ? 'Bearer {access token}'
    : value.startsWith('Basic ')
      ? 'Basic {base64 of id:secret}'
      : value
}

function shownAssertion(assertion: string): string {
  const [header, claims] = assertion.split('.', 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
  const shownClaims = { ...claims, iat: '{now}', exp: '{now + 240}', jti: '{new each time}' }
  const text = [{ ...header, kid: '{thumbprint of the key}' }, shownClaims]
    .map((part) => JSON.stringify(part, null, 2))
    .join('\n')
  expect(claims.exp - claims.iat).toBe(240)
  return `\`\`\`json\n${exampleHosts(text)}\n\`\`\``
}

function exampleHosts(text: string): string {
  const hosts = [
    [sandbox.origin.fhir, 'fhirapi.example.com'],
    [sandbox.origin.auth, 'fhirauth.example.com'],
    [portal, 'portal.example.com'],
    [jobs, 'jobs.example.com'],
  ] as const
  return hosts.reduce(
    (result, [origin, name]) => result.replaceAll(origin, `https://${name}`).replaceAll(new URL(origin).host, name),
    text,
  )
}
