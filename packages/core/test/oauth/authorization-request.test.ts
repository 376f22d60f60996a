import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clientSecretBasic, publicClient, smart } from '../../src/index.ts'
import { createAuthorizationRequest } from '../../src/oauth/authorization-request.ts'
import { codeChallenge } from '../../src/oauth/pkce.ts'
import { launchClient, serverMetadata } from '../support/launch-client.ts'

const ask = async (client = launchClient(), metadata = serverMetadata(), launch?: string) => {
  const request = await createAuthorizationRequest(client, metadata, { launch })
  return { ...request, sent: new URL(request.url).searchParams }
}
const withRules = (authorization: NonNullable<Parameters<typeof smart>[0]>['authorization']) =>
  launchClient({ dialect: smart({ authorization }) })

describe('an authorization request', () => {
  it('AUTHZ-01 AUTHZ-04 has the parameters SMART requires and, standalone, no launch', async () => {
    const { sent } = await ask(launchClient({ scope: 'launch/patient patient/*.rs' }))
    expect([...sent.keys()].sort()).toEqual([
      'aud',
      'client_id',
      'code_challenge',
      'code_challenge_method',
      'redirect_uri',
      'response_type',
      'scope',
      'state',
    ])
    expect(Object.fromEntries(sent)).toMatchObject({
      response_type: 'code',
      client_id: 'portal',
      code_challenge_method: 'S256',
    })
  })

  it.each(['https://ehr.example/fhir', 'https://ehr.example/fhir/', 'https://EHR.example:443/fhir//'])(
    'AUTHZ-02 sends aud to the letter: %s',
    async (fhirBaseUrl) => expect((await ask(launchClient({ fhirBaseUrl }))).sent.get('aud')).toBe(fhirBaseUrl),
  )

  it.each(['https://portal.example', 'https://portal.example/callback/', 'https://portal.example/callback?ehr=a%20b'])(
    'AUTHZ-03 sends redirect_uri to the letter and keeps it for the token request: %s',
    async (redirectUri) => {
      const { sent, checks } = await ask(launchClient({ redirectUri }))
      expect(sent.get('redirect_uri')).toBe(redirectUri)
      expect(checks.redirectUri).toBe(redirectUri)
    },
  )

  it('AUTHZ-04 leaves the scope launch out of a standalone launch', async () => {
    const { sent } = await ask(launchClient({ scope: 'launch launch/patient patient/*.rs' }))
    expect(sent.has('launch')).toBe(false)
    expect(sent.get('scope')).toBe('launch/patient patient/*.rs')
  })

  it('AUTHZ-05 AUTHZ-09 asks for exactly the configured scopes, context scopes included, and for nothing else', async () => {
    const scope = 'launch/patient launch/encounter patient/Observation.rs?category=http://x.example|laboratory'
    const { sent, checks } = await ask(launchClient({ scope }))
    expect(sent.get('scope')).toBe(scope)
    expect(checks.scope).toBe(scope)
  })

  it('AUTHZ-08 sends no parameter twice and none empty, whatever the dialect adds', async () => {
    const { sent } = await ask(withRules({ parameters: { state: 'fixed', aud: 'other', kept: '1', blank: '' } }))
    expect([...sent.keys()].length).toBe(new Set(sent.keys()).size)
    expect([...sent.values()].filter((value) => value === '')).toEqual([])
    expect(sent.get('kept')).toBe('1')
    expect(sent.get('aud')).toBe('https://ehr.example/fhir/r4')
    expect(sent.get('state')).not.toBe('fixed')
  })

  it('AUTHZ-08 omits the scope rather than sending it empty', async () => {
    const { sent } = await ask(launchClient({ scope: 'launch' }))
    expect(sent.has('scope')).toBe(false)
  })

  it('AUTHZ-10 sends no max_age', async () => expect((await ask()).sent.has('max_age')).toBe(false))

  it('AUTHZ-11 sends resource only where the dialect says so, beside aud', async () => {
    expect((await ask()).sent.has('resource')).toBe(false)
    const { sent } = await ask(withRules({ parameters: { resource: 'https://ehr.example/fhir/r4' } }))
    expect(sent.get('resource')).toBe('https://ehr.example/fhir/r4')
    expect(sent.get('aud')).toBe('https://ehr.example/fhir/r4')
  })

  it.each([
    ['aud', ['aud']],
    ['audience', ['audience']],
    ['both', ['aud', 'audience']],
    ['none', []],
  ] as const)('AUTHZ-02 names the audience by the parameter of the dialect: %s', async (audienceParameter, names) => {
    const { sent } = await ask(withRules({ audienceParameter }))
    expect(['aud', 'audience'].filter((name) => sent.has(name))).toEqual(names)
  })

  it('AUTHZ-12 keeps the query of the authorization endpoint and appends to it', async () => {
    const endpoint = 'https://auth.example/authorize?tenant=1'
    const { url, sent } = await ask(launchClient(), serverMetadata({ authorization_endpoint: endpoint }))
    expect(url.startsWith(`${endpoint}&`)).toBe(true)
    expect(sent.get('tenant')).toBe('1')
    expect(sent.get('response_type')).toBe('code')
  })

  it('EHR-02 echoes launch unchanged, encoded once, and asks for the scope launch', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1 }), async (launch) => {
        const { sent } = await ask(launchClient(), serverMetadata(), launch)
        expect(sent.getAll('launch')).toEqual([launch])
        expect(sent.get('scope')?.split(' ')).toContain('launch')
      }),
    )
    expect((await ask(launchClient(), serverMetadata(), 'a%2Bb+c/=&d')).url).toContain('launch=a%252Bb%2Bc%2F%3D%26d')
  })

  it('EHR-02 EHR-05 asks for the scope launch once, and sends launch/patient along as a hint where configured', async () => {
    const { sent } = await ask(launchClient({ scope: 'launch launch/patient patient/*.rs' }), serverMetadata(), 'abc')
    expect(sent.get('scope')).toBe('launch launch/patient patient/*.rs')
  })

  it('SEC-06 only ever asks for a code: a dialect cannot turn it into the implicit flow', async () => {
    const { sent } = await ask(withRules({ parameters: { response_type: 'token', response_mode: 'query' } }))
    expect(sent.getAll('response_type')).toEqual(['code'])
  })

  it('fails without an authorization endpoint, naming the option that sets it', async () => {
    const { authorization_endpoint: _, ...metadata } = serverMetadata()
    await expect(ask(launchClient(), metadata)).rejects.toMatchObject({
      code: 'missing_endpoint',
      message: expect.stringContaining('metadata.authorization_endpoint'),
    })
  })
})

describe('PKCE, state and nonce in it', () => {
  it('PKCE-03 PKCE-04 sends the challenge of the verifier that it keeps, a new one each time', async () => {
    const requests = await Promise.all([ask(), ask(), ask()])
    for (const { sent, checks } of requests) {
      expect(sent.get('code_challenge')).toBe(await codeChallenge(checks.codeVerifier ?? ''))
      expect(sent.get('code_challenge_method')).toBe('S256')
      expect(sent.has('code_verifier')).toBe(false)
    }
    expect(new Set(requests.map(({ checks }) => checks.codeVerifier)).size).toBe(3)
  })

  it('PKCE-04 keeps no verifier where it sends no challenge', async () => {
    const { sent, checks } = await ask(withRules({ pkce: 'off' }))
    expect(sent.has('code_challenge')).toBe(false)
    expect(sent.has('code_challenge_method')).toBe(false)
    expect(checks.codeVerifier).toBeUndefined()
  })

  it.each([
    ['public', publicClient()],
    ['confidential', clientSecretBasic('not used here')],
  ])('PKCE-05 a %s client uses PKCE', async (_, clientAuth) => {
    expect((await ask(launchClient({ clientAuth }))).sent.has('code_challenge')).toBe(true)
  })

  it.each(['force', 'auto', 'off'] as const)(
    'PKCE-06 STATE-01 always sends state, also with pkce: %s',
    async (pkce) => {
      const { sent, checks } = await ask(withRules({ pkce }))
      expect(sent.get('state')).toMatch(/^[\w-]{43}$/)
      expect(sent.get('state')).toBe(checks.state)
    },
  )

  const S256 = ['S256']
  it.each([
    ['force', S256, 'sent'],
    ['force', undefined, 'sent'],
    ['force', [], 'sent'],
    ['required', S256, 'sent'],
    ['required', undefined, 'refused'],
    ['required', [], 'refused'],
    ['auto', S256, 'sent'],
    ['auto', ['plain', 'S256'], 'sent'],
    ['auto', undefined, 'left out'],
    ['off', S256, 'left out'],
    ['off', ['plain'], 'left out'],
  ] as const)('PKCE-07 with the policy %s and a server that lists %j, PKCE is %s', async (pkce, listed, outcome) => {
    const { code_challenge_methods_supported: _, ...metadata } = serverMetadata()
    const asked = ask(
      withRules({ pkce }),
      listed ? { ...metadata, code_challenge_methods_supported: listed } : metadata,
    )
    if (outcome === 'refused') await expect(asked).rejects.toMatchObject({ code: 'unsupported_by_server' })
    else expect((await asked).sent.has('code_challenge')).toBe(outcome === 'sent')
  })

  it.each(['force', 'required', 'auto'] as const)(
    'PKCE-01 never falls back to plain, with the policy %s',
    async (pkce) => {
      const metadata = serverMetadata({ code_challenge_methods_supported: ['plain'] })
      await expect(ask(withRules({ pkce }), metadata)).rejects.toMatchObject({ code: 'unsupported_by_server' })
    },
  )

  it('NONCE-01 sends a nonce with openid and not without, a new one each time', async () => {
    const [first, second] = await Promise.all([ask(), ask()])
    expect(first.sent.get('nonce')).toMatch(/^[\w-]{43}$/)
    expect(first.sent.get('nonce')).toBe(first.checks.nonce)
    expect(second.sent.get('nonce')).not.toBe(first.sent.get('nonce'))
    const without = await ask(launchClient({ scope: 'patient/*.rs' }))
    expect([without.sent.has('nonce'), without.checks.nonce]).toEqual([false, undefined])
  })

  it('NONCE-01 sends none where the dialect turns it off', async () => {
    const { sent, checks } = await ask(withRules({ nonce: false }))
    expect([sent.has('nonce'), checks.nonce]).toEqual([false, undefined])
  })

  it('STATE-01 STATE-05 uses a state that is random alone: it carries nothing of the login', async () => {
    const requests = await Promise.all(Array.from({ length: 50 }, () => ask()))
    const states = requests.map(({ checks }) => checks.state)
    expect(new Set(states).size).toBe(50)
    for (const { checks } of requests) {
      expect([checks.codeVerifier, checks.nonce]).not.toContain(checks.state)
    }
  })
})
