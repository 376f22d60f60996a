import { createPublicKey, verify } from 'node:crypto'
import { expect, test } from 'vitest'
import { createUserAgent, type Sandbox } from '../src/index.ts'
import {
  assertionForm,
  authorize,
  basic,
  challengeOf,
  createKey,
  decode,
  type Json,
  post,
  startApp,
  startSandbox,
} from './test-app.ts'

const verifier = 'v'.repeat(43)
const pkce = { code_challenge: challengeOf(verifier), code_challenge_method: 'S256' }
const scope = 'openid fhirUser launch/patient patient/*.rs offline_access'
const getJson = async (url: string): Promise<Json> => (await (await fetch(url)).json()) as Json

async function symmetric(options: Parameters<typeof startSandbox>[0] = {}, limit?: string) {
  const { redirectUri } = await startApp()
  const sandbox = await startSandbox({
    ...options,
    clients: [{ clientId: 'portal', clientSecret: 's%3+c/r:et', redirectUris: [redirectUri], scope: limit }],
  })
  const headers = basic('portal', 's%3+c/r:et')
  const start = { client_id: 'portal', redirect_uri: redirectUri, scope, ...pkce }
  const exchange = (code: string) =>
    post(
      `${sandbox.issuer}/token`,
      { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier },
      headers,
    )
  const refresh = (token: unknown) =>
    post(`${sandbox.issuer}/token`, { grant_type: 'refresh_token', refresh_token: String(token) }, headers)
  const login = async (params: Record<string, string | undefined> = {}, choice = {}) => {
    const callback = await authorize(sandbox, { ...start, ...params }, choice)
    return (await exchange(callback.get('code') ?? '')).body
  }
  return { sandbox, headers, start, exchange, refresh, login, redirectUri }
}

const patientOf = (sandbox: Sandbox, index: number): string => sandbox.patients[index]?.id ?? ''

test('both discovery documents agree and name every endpoint', async () => {
  const { fhirBaseUrl, issuer } = await startSandbox()
  const response = await fetch(`${fhirBaseUrl}/.well-known/smart-configuration`)
  expect(response.headers.get('cache-control')).toMatch(/max-age=\d+/)
  expect(response.headers.get('content-type')).toBe('application/json')
  const smart = (await response.json()) as Json
  const openid = await getJson(`${issuer}/.well-known/openid-configuration`)
  for (const name of [
    'issuer',
    'jwks_uri',
    'authorization_endpoint',
    'token_endpoint',
    'introspection_endpoint',
    'revocation_endpoint',
    'code_challenge_methods_supported',
    'authorization_response_iss_parameter_supported',
  ]) {
    expect(smart[name], name).toEqual(openid[name])
    expect(smart[name], name).toBeDefined()
  }
  expect(smart.code_challenge_methods_supported).toEqual(['S256'])
  expect(smart.capabilities).toContain('launch-ehr')
})

test('smart-configuration can be left out', async () => {
  const { fhirBaseUrl } = await startSandbox({ smartConfiguration: false })
  expect((await fetch(`${fhirBaseUrl}/.well-known/smart-configuration`)).status).toBe(404)
})

test('a person signs in, picks a patient and consents; the app gets tokens and context', async () => {
  const { sandbox, start, exchange } = await symmetric()
  const patient = patientOf(sandbox, 2)
  const callback = await authorize(sandbox, { ...start, nonce: 'the-nonce' }, { patient })
  expect([...callback.keys()].sort()).toEqual(['code', 'iss', 'state'])
  expect(callback.get('state')).toBe('the-state')
  expect(callback.get('iss')).toBe(sandbox.issuer)

  const { status, body } = await exchange(callback.get('code') ?? '')
  expect(status).toBe(200)
  expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 300, scope, patient })
  expect(decode(body.id_token)).toMatchObject({
    iss: sandbox.issuer,
    aud: 'portal',
    nonce: 'the-nonce',
    fhirUser: `${sandbox.fhirBaseUrl}/Patient/${patient}`,
  })

  const { kid, alg } = decode(body.id_token, 0)
  expect(alg).toBe('RS256')
  const { keys } = (await getJson(`${sandbox.issuer}/jwks`)) as { keys: Json[] }
  const [input, signature] = String(body.id_token).split(/\.(?=[^.]*$)/)
  const key = createPublicKey({ key: keys.find((candidate) => candidate.kid === kid) ?? {}, format: 'jwk' })
  expect(verify('sha256', Buffer.from(input ?? ''), key, Buffer.from(signature ?? '', 'base64url'))).toBe(true)
})

test('two people have two subjects', async () => {
  const { sandbox, login } = await symmetric()
  const subjects = [0, 1].map(
    async (index) => decode((await login({}, { patient: patientOf(sandbox, index) })).id_token).sub,
  )
  expect(new Set(await Promise.all(subjects)).size).toBe(2)
})

test('two sign-ins in one browser do not mix', async () => {
  const { sandbox, start, exchange } = await symmetric()
  const browser = createUserAgent()
  const url = `${sandbox.issuer}/authorize?${new URLSearchParams({ ...start, response_type: 'code', aud: sandbox.fhirBaseUrl })}`
  const ids = [0, 1, 2].map((index) => patientOf(sandbox, index))
  const pages = await Promise.all(ids.map((patient) => browser.signIn(url, { patient })))
  const answers = await Promise.all(pages.map((page) => exchange(new URL(page.url).searchParams.get('code') ?? '')))
  expect(answers.map(({ body }) => body.patient)).toEqual(ids)
})

test('a person may refuse', async () => {
  const { sandbox, start } = await symmetric()
  const callback = await authorize(sandbox, start, { deny: true })
  expect(callback.get('error')).toBe('access_denied')
  expect(callback.get('state')).toBe('the-state')
  expect(callback.get('iss')).toBe(sandbox.issuer)
})

test("consent 'auto' shows no page and needs no cookie", async () => {
  const { sandbox, login, start } = await symmetric({ consent: 'auto', autoPatient: 'clover-fauxley' })
  expect(await login()).toMatchObject({ patient: 'clover-fauxley', scope })
  const query = new URLSearchParams({ ...start, response_type: 'code', aud: sandbox.fhirBaseUrl })
  const response = await fetch(`${sandbox.issuer}/authorize?${query}`, { redirect: 'manual' })
  expect(response.headers.get('location')).toContain('code=')
  expect(response.headers.getSetCookie()).toEqual([])
})

test.each([
  ['aud of another server', { aud: 'https://other.example/fhir' }, 'invalid_request'],
  ['aud with a trailing slash', { aud: 'SLASH' }, 'invalid_request'],
  ['no aud', { aud: undefined }, 'invalid_request'],
  ['no PKCE', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
  ['PKCE plain', { code_challenge_method: 'plain' }, 'invalid_request'],
  ['an unknown launch', { launch: 'made-up', scope: `${scope} launch` }, 'invalid_request'],
  ['launch without its scope', { launch: 'made-up' }, 'invalid_request'],
  ['nothing that can be granted', { scope: 'nonsense patient/Observation.sr' }, 'invalid_scope'],
])('refuses an authorization request with %s', async (_name, params: Record<string, string | undefined>, error) => {
  const { sandbox, start } = await symmetric()
  const aud = params.aud === 'SLASH' ? { aud: `${sandbox.fhirBaseUrl}/` } : {}
  const callback = await authorize(sandbox, { ...start, ...params, ...aud })
  expect(callback.get('error')).toBe(error)
  expect(callback.has('code')).toBe(false)
})

test('an unregistered redirect_uri gets a page, not a redirect', async () => {
  const { sandbox, start } = await symmetric()
  const query = new URLSearchParams({
    ...start,
    response_type: 'code',
    aud: sandbox.fhirBaseUrl,
    redirect_uri: `${start.redirect_uri}/`,
  })
  const response = await fetch(`${sandbox.issuer}/authorize?${query}`, { redirect: 'manual' })
  expect(response.status).toBe(400)
})

test('the authorization request may be posted', async () => {
  const { sandbox, start } = await symmetric({ consent: 'auto' })
  const body = new URLSearchParams({ ...start, response_type: 'code', aud: sandbox.fhirBaseUrl })
  const response = await fetch(`${sandbox.issuer}/authorize`, { method: 'POST', body, redirect: 'manual' })
  expect(response.headers.get('location')).toContain('code=')
})

test.each([
  ['patient/*.rs', 'patient/Observation.rs patient/Patient.r', 'patient/Observation.rs patient/Patient.r'],
  ['patient/Observation.rs', 'patient/*.rs', 'patient/Observation.rs'],
  ['patient/Observation.r', 'patient/Observation.cruds', 'patient/Observation.r'],
  ['patient/*.read', 'patient/Observation.rs', 'patient/Observation.rs'],
  ['patient/*.rs', 'patient/Observation.*', 'patient/Observation.read'],
  ['patient/Observation.rs?category=a|b', 'patient/Observation.rs', 'patient/Observation.rs?category=a|b'],
  ['patient/*.rs', 'patient/Observation.rs?category=a|b', 'patient/Observation.rs?category=a|b'],
  ['launch/patient patient/*.rs', 'launch/patient openid patient/*.rs', 'launch/patient patient/*.rs'],
])('a client limited to %s that asks for %s gets %s', async (limit, asked, granted) => {
  const { login } = await symmetric({ consent: 'auto' }, limit)
  expect((await login({ scope: asked })).scope).toBe(granted)
})

test('what a person unticks is not granted', async () => {
  const { sandbox, start, exchange } = await symmetric()
  const browser = createUserAgent()
  const query = new URLSearchParams({ ...start, response_type: 'code', aud: sandbox.fhirBaseUrl })
  const page = await browser.visit(`${sandbox.issuer}/authorize?${query}`)
  const patient = patientOf(sandbox, 0)
  await browser.visit(page.url, { method: 'POST', body: new URLSearchParams({ step: 'sign-in', patient }) })
  const consent = new URLSearchParams({ step: 'consent', decision: 'allow', scope: 'launch/patient' })
  consent.append('scope', 'openid')
  const callback = await browser.visit(page.url, { method: 'POST', body: consent })
  const { body } = await exchange(new URL(callback.url).searchParams.get('code') ?? '')
  expect(String(body.scope).split(' ').sort()).toEqual(['launch/patient', 'openid'])
  expect(body.refresh_token).toBeUndefined()
})

test('a code works once', async () => {
  const { sandbox, start, exchange } = await symmetric()
  const code = (await authorize(sandbox, start)).get('code') ?? ''
  expect((await exchange(code)).status).toBe(200)
  expect(await exchange(code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
})

test('a code and an access token end by the clock', async () => {
  const { sandbox, start, exchange, login } = await symmetric({ authorizationCodeSeconds: 1, accessTokenSeconds: 1 })
  const code = (await authorize(sandbox, start)).get('code') ?? ''
  const { access_token: token } = await login()
  const read = () =>
    fetch(`${sandbox.fhirBaseUrl}/Patient/${patientOf(sandbox, 0)}`, { headers: { authorization: `Bearer ${token}` } })
  await expect.poll(async () => (await read()).status, { timeout: 5000 }).toBe(401)
  await expect.poll(async () => (await exchange(code)).body.error, { timeout: 5000 }).toBe('invalid_grant')
})

test('a wrong secret and a wrong verifier are refused', async () => {
  const { sandbox, start } = await symmetric()
  const code = (await authorize(sandbox, start)).get('code') ?? ''
  const form = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: start.redirect_uri,
    code_verifier: 'w'.repeat(43),
  }
  const token = `${sandbox.issuer}/token`
  expect(await post(token, form, basic('portal', 'wrong'))).toMatchObject({
    status: 401,
    body: { error: 'invalid_client' },
  })
  expect((await post(token, form, basic('portal', 's%3+c/r:et'))).body.error).toBe('invalid_grant')
})

test('the secret may come raw, form-encoded, or in the body', async () => {
  const { sandbox } = await symmetric()
  const attempt = async (form: Record<string, string>, headers: Record<string, string>) =>
    (await post(`${sandbox.issuer}/token`, { grant_type: 'refresh_token', refresh_token: 'unknown', ...form }, headers))
      .body.error
  const secret = 's%3+c/r:et'
  expect(await attempt({}, basic('portal', secret))).toBe('invalid_grant')
  expect(await attempt({}, basic('portal', encodeURIComponent(secret)))).toBe('invalid_grant')
  expect(await attempt({ client_id: 'portal', client_secret: secret }, {})).toBe('invalid_grant')
})

test('refresh tokens rotate; using one twice ends the session and is counted', async () => {
  const { sandbox, login, refresh } = await symmetric()
  const first = await login()
  const second = await refresh(first.refresh_token)
  expect(second.body).toMatchObject({ scope, patient: first.patient })
  expect(second.body.refresh_token).not.toBe(first.refresh_token)
  expect(sandbox.refreshReuseDetections).toBe(0)
  expect((await refresh(first.refresh_token)).body.error).toBe('invalid_grant')
  expect(sandbox.refreshReuseDetections).toBe(1)
  expect((await refresh(second.body.refresh_token)).body.error).toBe('invalid_grant')
  const authorization = `Bearer ${second.body.access_token}`
  const read = await fetch(`${sandbox.fhirBaseUrl}/Patient/${first.patient}`, { headers: { authorization } })
  expect(read.status).toBe(401)
})

test('without rotation a refresh token stays', async () => {
  const { login, refresh } = await symmetric({ rotateRefreshTokens: false })
  const { refresh_token: token } = await login()
  expect((await refresh(token)).body.refresh_token).toBe(token)
  expect((await refresh(token)).status).toBe(200)
})

test('online_access brings a refresh token, no access scope brings none', async () => {
  const { login } = await symmetric({ consent: 'auto' })
  expect((await login({ scope: 'launch/patient online_access' })).refresh_token).toBeDefined()
  expect((await login({ scope: 'launch/patient' })).refresh_token).toBeUndefined()
})

test('a public client sends its client_id and nothing else', async () => {
  const { redirectUri } = await startApp()
  const sandbox = await startSandbox({ clients: [{ clientId: 'phone', redirectUris: [redirectUri] }] })
  const code =
    (await authorize(sandbox, { client_id: 'phone', redirect_uri: redirectUri, scope, ...pkce })).get('code') ?? ''
  const form = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    code_verifier: verifier,
    client_id: 'phone',
  }
  const { body } = await post(`${sandbox.issuer}/token`, form)
  const refreshed = await post(`${sandbox.issuer}/token`, {
    grant_type: 'refresh_token',
    refresh_token: String(body.refresh_token),
    client_id: 'phone',
  })
  expect(refreshed.status).toBe(200)
})

test('an asymmetric app signs at code exchange and at refresh', async () => {
  const app = await startApp()
  const key = createKey('RS384')
  app.jwks.keys = [key.publicJwk]
  const sandbox = await startSandbox({
    clients: [{ clientId: 'web', jwksUrl: app.jwksUrl, redirectUris: [app.redirectUri] }],
  })
  const code =
    (await authorize(sandbox, { client_id: 'web', redirect_uri: app.redirectUri, scope, ...pkce })).get('code') ?? ''
  const first = await post(`${sandbox.issuer}/token`, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: app.redirectUri,
    code_verifier: verifier,
    ...assertionForm(sandbox, key, 'web'),
  })
  expect(first.status).toBe(200)
  const second = await post(`${sandbox.issuer}/token`, {
    grant_type: 'refresh_token',
    refresh_token: String(first.body.refresh_token),
    ...assertionForm(sandbox, key, 'web'),
  })
  expect(second.status).toBe(200)
})

test('the EHR hands over patient, encounter and display hints, once', async () => {
  const { sandbox, start, exchange } = await symmetric()
  const url = new URL(
    sandbox.ehrLaunch({
      launchUrl: 'https://app.example/launch?tenant=1',
      patient: patientOf(sandbox, 1),
      encounter: 'visit',
      intent: 'reconcile',
      needPatientBanner: false,
      smartStyleUrl: 'https://ehr.example/style.json',
      tenant: 'north',
      fhirContext: [{ reference: 'ImagingStudy/1' }],
    }),
  )
  expect(url.searchParams.get('tenant')).toBe('1')
  expect(url.searchParams.get('iss')).toBe(sandbox.fhirBaseUrl)
  const params = { ...start, scope: 'launch openid fhirUser user/*.rs', launch: url.searchParams.get('launch') ?? '' }
  const callback = await authorize(sandbox, params)
  const { body } = await exchange(callback.get('code') ?? '')
  expect(body).toMatchObject({
    patient: patientOf(sandbox, 1),
    encounter: 'visit',
    intent: 'reconcile',
    need_patient_banner: false,
    smart_style_url: 'https://ehr.example/style.json',
    tenant: 'north',
    fhirContext: [{ reference: 'ImagingStudy/1' }],
  })
  expect(decode(body.id_token).fhirUser).toContain(`${sandbox.fhirBaseUrl}/Practitioner/`)
  expect((await authorize(sandbox, params)).get('error')).toBe('invalid_request')
})

test('the EHR page opens an app in a frame or in a tab', async () => {
  const { issuer, patients } = await startSandbox()
  const open = async (where: string, launchUrl = 'https://app.example/launch') => {
    const body = new URLSearchParams({ launch_url: launchUrl, context: `${patients[0]?.id} visit`, where })
    return (await fetch(`${issuer}/ehr`, { method: 'POST', body })).text()
  }
  expect(await (await fetch(`${issuer}/ehr`)).text()).toContain('<form method="post" action="/ehr">')
  expect(await open('frame')).toMatch(/<iframe [^>]*src="https:\/\/app\.example\/launch\?iss=[^"]+&amp;launch=[^"]+"/)
  expect(await open('tab')).toMatch(/<a href="https:[^"]+" target="_blank"/)
  expect(await open('frame', 'javascript:alert(1)//"><script>')).not.toMatch(/<iframe|<script>/)
})

test('the EHR page knows the apps, and what was chosen stays chosen', async () => {
  const redirectUris = ['https://app.example/ehr/callback']
  const { issuer, patients } = await startSandbox({ clients: [{ clientId: 'portal', redirectUris }] })
  expect(await (await fetch(`${issuer}/ehr`)).text()).toContain('value="https://app.example/ehr/launch"')
  const chosen = {
    launch_url: 'https://app.example/other',
    context: patients[2]?.id ?? '',
    where: 'tab',
    intent: 'order',
  }
  const page = await (await fetch(`${issuer}/ehr`, { method: 'POST', body: new URLSearchParams(chosen) })).text()
  expect(page).toContain('value="https://app.example/other"')
  expect(page).toContain(`<option value="${patients[2]?.id}" selected>`)
  expect(page).toContain('value="tab" checked')
  expect(page).toContain('value="order"')
})

test('revocation and revokeAll end a session; introspection says so', async () => {
  const { sandbox, headers, login, refresh } = await symmetric()
  const first = await login()
  const token = String(first.access_token)
  const introspect = async (auth: Record<string, string>) =>
    (await post(`${sandbox.issuer}/introspect`, { token }, auth)).body
  const expected = {
    active: true,
    client_id: 'portal',
    scope,
    patient: first.patient,
    iss: sandbox.issuer,
    sub: decode(first.id_token).sub,
  }
  expect(await introspect(headers)).toMatchObject(expected)
  expect(await introspect({ authorization: `Bearer ${token}` })).toMatchObject(expected)
  await post(`${sandbox.issuer}/revoke`, { token: String(first.refresh_token) }, headers)
  expect(await introspect(headers)).toEqual({ active: false })
  expect((await refresh(first.refresh_token)).body.error).toBe('invalid_grant')

  const second = await login()
  const read = async () => {
    const authorization = `Bearer ${second.access_token}`
    return (await fetch(`${sandbox.fhirBaseUrl}/Patient/${second.patient}`, { headers: { authorization } })).status
  }
  expect(await read()).toBe(200)
  sandbox.revokeAll()
  expect(await read()).toBe(401)
  expect((await refresh(second.refresh_token)).body.error).toBe('invalid_grant')
})

test('rotateSigningKeys publishes a new key, drops the old one and keeps sessions', async () => {
  const { sandbox, login, refresh } = await symmetric()
  const first = await login()
  await sandbox.rotateSigningKeys()
  const { keys } = (await getJson(`${sandbox.issuer}/jwks`)) as { keys: Json[] }
  expect(keys.map(({ kid }) => kid)).not.toContain(decode(first.id_token, 0).kid)
  const { body } = await refresh(first.refresh_token)
  expect(keys.map(({ kid }) => kid)).toEqual([decode(body.id_token, 0).kid])
})

test('every request is recorded as it came', async () => {
  const { sandbox, login } = await symmetric()
  await login()
  const [request] = sandbox.requestsTo('/token')
  expect(request).toMatchObject({ host: 'auth', method: 'POST', status: 200 })
  expect(request?.headers.authorization).toBe(basic('portal', 's%3+c/r:et').authorization)
  expect(request?.form.get('code_verifier')).toBe(verifier)
  expect(sandbox.requestsTo(/^\/authorize$/)[0]?.query.get('aud')).toBe(sandbox.fhirBaseUrl)
  sandbox.clearRequests()
  expect(sandbox.requests).toEqual([])
})

test('options that make no sense are refused', async () => {
  await expect(startSandbox({ consent: 'auto', autoPatient: 'nobody' })).rejects.toThrow(/autoPatient nobody/)
  await expect(
    startSandbox({ clients: [{ clientId: 'x', clientSecret: 's', jwksUrl: 'https://x.example' }] }),
  ).rejects.toThrow(/one of clientSecret, jwks and jwksUrl/)
  const sandbox = await startSandbox()
  expect(() => sandbox.ehrLaunch({ launchUrl: 'https://app.example', patient: 'nobody' })).toThrow(/no patient nobody/)
})
