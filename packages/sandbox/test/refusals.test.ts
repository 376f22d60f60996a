import { request as sendRequest } from 'node:http'
import { networkInterfaces } from 'node:os'
import { describe, expect, test } from 'vitest'
import { createUserAgent, type Sandbox } from '../src/index.ts'
import { assertionForm, basic, challengeOf, createKey, post, startApp, startSandbox } from './test-app.ts'

const verifier = 'v'.repeat(43)
const pkce = { code_challenge: challengeOf(verifier), code_challenge_method: 'S256' }

describe('a FHIR request that the token does not cover', () => {
  async function backendToken(scope: string) {
    const key = createKey()
    const sandbox = await startSandbox({ clients: [{ clientId: 'job', jwks: { keys: [key.publicJwk] } }] })
    const form = { grant_type: 'client_credentials', scope, ...assertionForm(sandbox, key, 'job') }
    const { body } = await post(`${sandbox.issuer}/token`, form)
    const headers = { authorization: `Bearer ${body.access_token}` }
    return (path: string) => fetch(`${sandbox.fhirBaseUrl}/${path}`, { headers })
  }

  test.each([
    ['of another type', 'system/Patient.rs', 'Condition', 'system/Condition.s'],
    [
      'that its restriction leaves out',
      'system/Observation.rs?category=laboratory',
      'Observation/amber-testwell-heart-rate-01',
      'system/Observation.r',
    ],
  ])('%s: a system token is told the system scope', async (_what, scope, path, needed) => {
    const read = await backendToken(scope)
    const response = await read(path)
    expect(response.status).toBe(403)
    expect(response.headers.get('www-authenticate')).toContain(`scope="${needed}"`)
    expect(await response.text()).not.toContain('user/')
  })
})

describe('consent', () => {
  async function loginWith(asked: string, ticked: readonly string[], launch?: (sandbox: Sandbox) => string) {
    const { redirectUri } = await startApp()
    const sandbox = await startSandbox({
      clients: [{ clientId: 'portal', clientSecret: 'secret', redirectUris: [redirectUri] }],
    })
    const query = new URLSearchParams({
      ...{ response_type: 'code', client_id: 'portal', redirect_uri: redirectUri, state: 'the-state' },
      ...{ scope: asked, aud: sandbox.fhirBaseUrl, ...pkce, ...(launch && { launch: launch(sandbox) }) },
    })
    const browser = createUserAgent()
    const page = await browser.visit(`${sandbox.issuer}/authorize?${query}`)
    const send = (form: string[][]) =>
      browser.visit(page.url, { method: 'POST', body: new URLSearchParams(form as [string, string][]) })
    if (!launch) {
      await send([
        ['step', 'sign-in'],
        ['patient', 'amber-testwell'],
      ])
    }
    const scopes = ticked.map((scope) => ['scope', scope])
    const callback = await send([['step', 'consent'], ['decision', 'allow'], ...scopes])
    const params = new URL(callback.url).searchParams
    const code = params.get('code')
    if (code === null) return { error: params.get('error'), fhir: undefined }
    const { body } = await post(
      `${sandbox.issuer}/token`,
      { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier },
      basic('portal', 'secret'),
    )
    const headers = { authorization: `Bearer ${body.access_token}` }
    return { ...body, fhir: (path: string) => fetch(`${sandbox.fhirBaseUrl}/${path}`, { headers }) }
  }

  test('without launch/patient the app learns no patient, and patient/ scopes, which need one, are not granted', async () => {
    const asked = 'openid fhirUser launch/patient patient/*.rs'
    const { fhir, ...token } = await loginWith(asked, ['openid', 'fhirUser', 'patient/*.rs'])
    expect(token).not.toHaveProperty('patient')
    expect(token).toMatchObject({ scope: 'openid fhirUser' })
    expect((await fhir?.('Patient/amber-testwell'))?.status).toBe(403)
  })

  test('an encounter belongs to a patient: it stays out as well', async () => {
    const asked = 'openid launch/patient launch/encounter user/*.rs'
    const token = await loginWith(asked, ['openid', 'launch/encounter', 'user/*.rs'])
    expect(token).not.toHaveProperty('patient')
    expect(token).not.toHaveProperty('encounter')
    expect(token).toMatchObject({ scope: 'openid user/*.rs' })
  })

  test('patient/ scopes alone still bring the patient: nobody refused one', async () => {
    expect(await loginWith('openid patient/*.rs', ['patient/*.rs'])).toMatchObject({ patient: 'amber-testwell' })
  })

  test('when only scopes are left that need the patient, it is a refusal', async () => {
    expect(await loginWith('launch/patient patient/*.rs', ['patient/*.rs'])).toMatchObject({ error: 'access_denied' })
  })

  test('an EHR launch without the scope launch tells nothing of what is open in the EHR', async () => {
    const ehrLaunch = (sandbox: Sandbox) => {
      const url = sandbox.ehrLaunch({
        ...{ launchUrl: 'http://127.0.0.1:3000/launch', patient: 'basil-mockridge' },
        ...{ encounter: 'basil-mockridge-visit-1', intent: 'reconcile', tenant: 'north', needPatientBanner: false },
      })
      return new URL(url).searchParams.get('launch') ?? ''
    }
    const { fhir, ...token } = await loginWith(
      'launch openid patient/*.rs user/*.rs',
      ['openid', 'user/*.rs'],
      ehrLaunch,
    )
    expect(Object.keys(token).sort()).toEqual(['access_token', 'expires_in', 'id_token', 'scope', 'token_type'])
    expect((await fhir?.('Patient/basil-mockridge'))?.status).toBe(200)
  })
})

describe('an authorization request that cannot go back to the app', () => {
  async function refusalPage(params: Record<string, string>) {
    const sandbox = await startSandbox({
      clients: [
        { clientId: 'portal', redirectUris: ['http://localhost:3000/callback', 'http://localhost:3000/a?b=<c>'] },
        { clientId: 'job', clientSecret: 'the-secret-of-the-job' },
      ],
    })
    const query = new URLSearchParams({
      ...{ response_type: 'code', client_id: 'portal', scope: 'openid', state: 'x', aud: sandbox.fhirBaseUrl },
      ...pkce,
      ...params,
    })
    const response = await fetch(`${sandbox.issuer}/authorize?${query}`, { redirect: 'manual' })
    expect(response.status).toBe(400)
    return response.text()
  }

  test('shows the wrong redirect URI beside the registered ones', async () => {
    const page = await refusalPage({ redirect_uri: 'http://localhost:3000/cb"' })
    expect(page).toContain('http://localhost:3000/cb&quot;')
    expect(page).toContain('<code>http://localhost:3000/callback</code>')
    expect(page).toContain('<code>http://localhost:3000/a?b=&lt;c&gt;</code>')
  })

  test('says how to register one where there is none', async () => {
    expect(await refusalPage({ client_id: 'job', redirect_uri: 'http://localhost:3000/cb' })).toContain('redirectUris')
  })

  test('shows the registered clients where the client is unknown, and no secret', async () => {
    const page = await refusalPage({ client_id: 'porta', redirect_uri: 'http://localhost:3000/callback' })
    expect(page).toContain('<code>porta</code>')
    expect(page).toContain('<code>portal</code>')
    expect(page).toContain('<code>job</code>')
    expect(page).not.toContain('the-secret-of-the-job')
  })
})

describe('the Host of a request', () => {
  const ask = (origin: string, host: string, path: string) =>
    new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      sendRequest(origin + path, { headers: { host } }, (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (chunk) => {
          body += chunk
        })
        response.once('end', () => resolve({ status: response.statusCode, body }))
      })
        .once('error', reject)
        .end()
    })

  // DNS rebinding: a page of evil.example, whose name now leads to this machine, is same-origin with what it asks for.
  test.each([
    'evil.example',
    'evil.example:PORT',
    '127.0.0.1.evil.example:PORT',
    'localhost.evil.example',
    '10.0.0.1:PORT',
  ])('%s is refused by both hosts, and what it asked for is not recorded', async (name) => {
    const sandbox = await startSandbox({ mode: 'intelichart' })
    for (const origin of Object.values(sandbox.origin)) {
      const host = name.replace('PORT', new URL(origin).port)
      const { status, body } = await ask(origin, host, '/.well-known/openid-configuration')
      expect(status).toBe(421)
      expect(body).toContain('localhost')
      expect(body).not.toContain(host)
    }
    expect(sandbox.requests).toEqual([])
  })

  test.each(['127.0.0.1:PORT', 'localhost:PORT', 'LOCALHOST', '[::1]:PORT', 'sandbox.localhost:PORT'])(
    '%s means this machine',
    async (name) => {
      const { issuer } = await startSandbox()
      const host = name.replace('PORT', new URL(issuer).port)
      expect((await ask(issuer, host, '/.well-known/openid-configuration')).status).toBe(200)
    },
  )

  test('a sandbox that was told to listen elsewhere answers to that address as well', async () => {
    const sandbox = await startSandbox({ host: '0.0.0.0' })
    const { port } = new URL(sandbox.issuer)
    const origin = `http://127.0.0.1:${port}`
    expect((await ask(origin, `192.0.2.7:${port}`, '/metadata')).status).not.toBe(421)
    expect((await ask(origin, `evil.example:${port}`, '/metadata')).status).toBe(421)
  })

  const outward = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')?.address
  test.skipIf(outward === undefined)('by default nothing is reached but by loopback', async () => {
    const { port } = new URL((await startSandbox()).issuer)
    await expect(fetch(`http://${outward}:${port}/ehr`)).rejects.toThrow()
  })
})
