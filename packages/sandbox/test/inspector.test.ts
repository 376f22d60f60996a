import { request as requestOverHttp } from 'node:http'
import { networkInterfaces } from 'node:os'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { describeStep } from '../src/inspector/describe-step.ts'
import { SecretNames } from '../src/inspector/secret-names.ts'
import type { Step } from '../src/inspector/step.ts'
import { assertionForm, authorize, basic, challengeOf, createKey, post, startApp, startSandbox } from './test-app.ts'

const verifier = 'v'.repeat(43)
const clientSecret = 'a+secret-of-the-portal'

/** A sandbox in InteliChart's mode with a portal and a job. */
async function start() {
  const app = await startApp()
  const key = createKey()
  app.jwks.keys = [key.publicJwk]
  const sandbox = await startSandbox({
    mode: 'intelichart',
    inspector: true,
    clients: [
      { clientId: 'portal', clientSecret, redirectUris: [app.redirectUri] },
      { clientId: 'job', jwksUrl: app.jwksUrl },
    ],
  })
  const token = `${sandbox.issuer}/token`
  const askAsJob = (claims: object = {}) => {
    const own = { jwks_url: app.jwksUrl, accessTokensExpireIn: 5, ...claims }
    const form = { grant_type: 'client_credentials', scope: 'system/Patient.rs' }
    return post(token, { ...form, ...assertionForm(sandbox, key, 'job', own) })
  }
  const logIn = async () => {
    const callback = await authorize(sandbox, {
      client_id: 'portal',
      redirect_uri: app.redirectUri,
      state: 'a-state-that-nobody-can-guess',
      nonce: 'a-nonce',
      scope: 'openid fhirUser launch/patient patient/*.rs offline_access',
      code_challenge: challengeOf(verifier),
      code_challenge_method: 'S256',
    })
    const form = {
      grant_type: 'authorization_code',
      code: callback.get('code') ?? '',
      redirect_uri: app.redirectUri,
      client_id: 'portal',
      audience: sandbox.fhirBaseUrl,
      code_verifier: verifier,
    }
    return post(token, form, basic('portal', clientSecret))
  }
  const refresh = (refreshToken: unknown) =>
    post(
      token,
      { grant_type: 'refresh_token', refresh_token: String(refreshToken), client_id: 'portal' },
      basic('portal', clientSecret),
    )
  return { app, sandbox, key, askAsJob, logIn, refresh }
}

/** Everything that the page would get, until `enough` says so. */
async function readEvents(issuer: string, enough: (text: string) => boolean): Promise<string> {
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const response = await fetch(`${issuer}/inspector/events`, { signal: stop.signal })
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString()
    if (enough(text)) break
  }
  return text
}

async function stepsOf(issuer: string, count: number): Promise<Step[]> {
  const parsed = (text: string) =>
    [...text.matchAll(/^event: step\ndata: (.*)\n\n/gm)].map(([, json = '']) => JSON.parse(json) as Step)
  return parsed(await readEvents(issuer, (text) => parsed(text).length >= count))
}

const broken = ({ verdicts }: Step) => verdicts.filter(({ holds }) => !holds).map(({ text }) => text)

describe('the steps', () => {
  test('of both InteliChart flows and a refresh: each rule holds, and each flow is one', async () => {
    const { sandbox, askAsJob, logIn, refresh } = await start()
    const { body } = await logIn()
    expect((await refresh(body.refresh_token)).status).toBe(200)
    const headers = { authorization: `Bearer ${body.access_token}` }
    expect((await fetch(`${sandbox.fhirBaseUrl}/Patient`, { headers })).status).toBe(200)
    expect((await askAsJob()).status).toBe(200)
    const steps = await stepsOf(sandbox.issuer, sandbox.requests.length)
    expect(steps.flatMap(broken)).toEqual([])
    const titles = (flow: string) => steps.filter((step) => step.flow === flow).map(({ title }) => title)
    expect(titles('Login 1 of portal')).toEqual([
      'The app sends the person to the server',
      ...Array(3).fill(expect.stringMatching(/^The (?:person|server)/)),
      ...titles('Login 1 of portal').slice(4, -3),
      'The app exchanges the code for a token',
      'The app renews its token',
      'The app reads Patient',
    ])
    expect(titles('System job')).toEqual(['A system signs in with its key'])
    const [assertion] = steps.at(-1)?.jwts ?? []
    expect(assertion?.claims.map(([name]) => name)).toContain('accessTokensExpireIn')
  })

  test('what an app did wrong is named, with the section that says so', async () => {
    const { app, sandbox, key, askAsJob, refresh, logIn } = await start()
    expect((await askAsJob({ aud: 'https://elsewhere.example/token' })).status).toBe(401)
    const form = { grant_type: 'client_credentials', scope: 'system/Patient.rs' }
    const claims = { jwks_url: app.jwksUrl, accessTokensExpireIn: 5 }
    const once = { ...form, ...assertionForm(sandbox, key, 'job', claims) }
    await post(`${sandbox.issuer}/token`, once)
    expect((await post(`${sandbox.issuer}/token`, once)).status).toBe(401)
    const { body } = await logIn()
    await refresh(body.refresh_token)
    expect((await refresh(body.refresh_token)).status).toBe(400)
    const steps = await stepsOf(sandbox.issuer, sandbox.requests.length)
    const faults = steps.map(broken).filter(({ length }) => length > 0)
    expect(faults).toEqual([
      ['aud is the token endpoint', expect.stringContaining('the server refuses: invalid_client')],
      ['jti is there, and new', expect.stringContaining('the server refuses: invalid_client')],
      ['the refresh token is used for the first time', expect.stringContaining('the server refuses: invalid_grant')],
    ])
    expect(steps.flatMap(({ verdicts }) => verdicts).every(({ section }) => section !== '')).toBe(true)
  })

  test('a token request that a fault has answered has used nothing up', async () => {
    const { sandbox, logIn, refresh } = await start()
    const { body } = await logIn()
    sandbox.fault({ at: 'token', kind: 'status', status: 503, times: 1 })
    expect((await refresh(body.refresh_token)).status).toBe(503)
    expect((await refresh(body.refresh_token)).status).toBe(200)
    const steps = await stepsOf(sandbox.issuer, sandbox.requests.length)
    expect(steps.slice(-2).map(broken)).toEqual([['the server refuses: status 503'], []])
  })
})

describe('secrets', () => {
  test('no secret of a flow is in what the page gets, and one that comes back has the same name', async () => {
    const { sandbox, askAsJob, logIn, refresh } = await start()
    const { body } = await logIn()
    const renewed = await refresh(body.refresh_token)
    await fetch(`${sandbox.fhirBaseUrl}/Patient`, { headers: { authorization: `Bearer ${renewed.body.access_token}` } })
    await askAsJob()
    const text = await readEvents(sandbox.issuer, (so) => so.split('event: step').length > sandbox.requests.length)
    const given = [body, renewed.body].flatMap(({ access_token, refresh_token, id_token }) => [
      access_token,
      refresh_token,
      id_token,
    ])
    const sent = sandbox.requests.flatMap(({ form }) =>
      ['code', 'code_verifier', 'client_assertion'].map((name) => form.get(name)),
    )
    const secrets = [...given, ...sent, clientSecret].filter((secret) => typeof secret === 'string')
    expect(secrets.length).toBeGreaterThan(8)
    for (const secret of secrets) expect(text.includes(secret) || text.includes(encodeURIComponent(secret))).toBe(false)
    expect(text.match(/⟨code 1⟩/g)?.length).toBeGreaterThan(1)
    expect(text.match(/⟨access token 2⟩/g)?.length).toBeGreaterThan(1)
  })

  test('wherever a secret stands in a request and its answer, it is not shown', () => {
    const secret = fc.stringMatching(/^[\w+/.~-]{16,40}$/)
    fc.assert(
      fc.property(secret, secret, secret, fc.string(), (code, token, password, noise) => {
        const request = {
          host: 'auth' as const,
          method: 'POST',
          url: `/token?code=${encodeURIComponent(code)}`,
          path: '/token',
          query: new URLSearchParams({ code, noise }),
          headers: basic('portal', password),
          body: '',
          form: new URLSearchParams({ refresh_token: token, noise: `${noise}${code}` }),
          status: 200,
          time: 0,
        }
        const headers = { location: `https://app.example/callback?code=${encodeURIComponent(code)}` }
        const body = JSON.stringify({ access_token: token, note: `the code was ${code}`, [code]: noise })
        const step = describeStep({ request, status: 200, headers, body, durationMs: 1 }, new SecretNames(), {
          id: 1,
          flow: 'a',
          title: 'b',
        })
        const text = JSON.stringify(step)
        for (const hidden of [code, token, password]) expect(text.includes(hidden)).toBe(noise.includes(hidden))
      }),
    )
  })
})

describe('a hostile request', () => {
  test.each([
    ['claims that are objects', { exp: { toString: 1 }, iss: { toString: 1 }, jti: 'a', aud: [], sub: {} }],
    ['a client that is a name of every object', { iss: 'constructor', sub: '__proto__' }],
  ])('%s: the sandbox goes on, and shows the step', async (_name, claims) => {
    const { sandbox, key, logIn } = await start()
    const form = { grant_type: 'constructor', ...assertionForm(sandbox, key, 'job', claims) }
    await post(`${sandbox.issuer}/token`, form)
    expect((await logIn()).status).toBe(200)
    const [step] = await stepsOf(sandbox.issuer, sandbox.requests.length)
    expect(step?.title).toBe('The app asks for a token')
  })

  test('a secret under a wrong name, and a JWT under any name, are not shown', async () => {
    const { sandbox, key } = await start()
    const { client_assertion: jwt = '' } = assertionForm(sandbox, key, 'job')
    await post(`${sandbox.issuer}/token`, { secret: clientSecret, subject_token: jwt, client_id: 'portal' })
    const text = await readEvents(sandbox.issuer, (so) => so.includes('event: step'))
    expect([text.includes(clientSecret), text.includes(jwt)]).toEqual([false, false])
    expect(text).toContain('⟨client secret 1⟩')
  })

  test('has thousands of parameters: the step stays small', async () => {
    const { sandbox } = await start()
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`name${index}`, 'x'.repeat(100)]))
    await post(`${sandbox.issuer}/token`, many)
    const text = await readEvents(sandbox.issuer, (so) => /event: step\n.*\n\n/.test(so))
    expect(text.length).toBeLessThan(50_000)
  })
})

describe('who may look', () => {
  const get = (url: string, headers: Record<string, string>, options: object = {}) =>
    new Promise<number>((resolve, reject) => {
      const target = new URL(url)
      const { hostname, port, pathname } = target
      requestOverHttp({ hostname, port, path: pathname, headers, ...options }, (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
        .once('error', reject)
        .end()
    })

  test('a page of another site gets nothing, by whatever name it reaches this address', async () => {
    const { sandbox } = await start()
    for (const host of ['evil.example', 'evil.example:80', '10.0.0.1']) {
      expect(await get(`${sandbox.issuer}/inspector/events`, { host }), host).toBeGreaterThanOrEqual(400)
    }
    expect(await get(`${sandbox.issuer}/inspector`, {})).toBe(200)
  })

  test.runIf(outsideAddress())('another machine gets nothing, even if it names a loopback address', async () => {
    const sandbox = await startSandbox({ inspector: true, host: '0.0.0.0' })
    const { port } = new URL(sandbox.issuer)
    const outside = `http://${outsideAddress()}:${port}/inspector`
    expect(await get(outside, { host: '127.0.0.1' })).toBe(403)
    expect(await get(`http://127.0.0.1:${port}/inspector`, { host: '10.0.0.1' })).toBe(403)
    expect(await get(`http://127.0.0.1:${port}/inspector`, {})).toBe(200)
  })

  test('a fault is switched on and off by the page, and by no other', async () => {
    const { sandbox, logIn } = await start()
    const { host } = new URL(sandbox.issuer)
    const toggle = (origin: string | undefined, id = 'token-503') =>
      get(`${sandbox.issuer}/inspector/faults/${id}`, origin === undefined ? {} : { origin }, { method: 'POST' })
    expect([await toggle(undefined), await toggle('https://evil.example'), await toggle('null')]).toEqual([
      403, 403, 403,
    ])
    expect(await toggle(`http://${host}`, 'constructor')).toBe(404)
    expect((await logIn()).status).toBe(200)
    expect(await toggle(`http://${host}`)).toBe(200)
    expect((await logIn()).status).toBe(503)
    expect(await toggle(`http://${host}`)).toBe(200)
    expect((await logIn()).status).toBe(200)
    await toggle(`http://${host}`)
    sandbox.clearFaults() // by a test: the page knows
    expect(await readEvents(sandbox.issuer, (text) => text.includes('isOn'))).not.toContain('"isOn":true')
  })

  test('there is none unless it is asked for, and its own requests are not among those of the apps', async () => {
    const without = await startSandbox()
    expect((await fetch(`${without.issuer}/inspector`)).status).toBe(404)
    const { sandbox } = await start()
    await fetch(`${sandbox.issuer}/inspector`)
    expect(sandbox.requests).toEqual([])
  })
})

function outsideAddress(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address
}
