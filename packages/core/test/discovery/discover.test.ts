import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkRegistration } from '../../src/client/registration.ts'
import { type DiscoveryTarget, discover, type NeededMember } from '../../src/discovery/discover.ts'
import { requireEndpoint } from '../../src/discovery/server-metadata.ts'
import { clientSecretBasic, createBackendServices, FhirAuthError, smart } from '../../src/index.ts'
import { createAuthorizationRequest } from '../../src/oauth/authorization-request.ts'
import { failureOf } from '../support/failure-of.ts'
import { type SeenRequest, startJsonServer, startServer } from '../support/http-server.ts'
import { startTokenServer } from '../support/token-server.ts'

const LAUNCH: readonly NeededMember[] = ['authorization_endpoint', 'token_endpoint']
const BACKEND: readonly NeededMember[] = ['token_endpoint']

function find(
  fhirBaseUrl: string,
  needed: readonly NeededMember[] = LAUNCH,
  target: Partial<DiscoveryTarget> = {},
  http = {},
) {
  return discover({ fhirBaseUrl, discovery: smart().discovery, metadata: {}, ...target }, needed, http)
}

const paths = (server: { requests: SeenRequest[] }) => server.requests.map(({ url }) => url)

/** A complete document, as SMART App Launch 2.2 "Conformance" requires it. */
const complete = (origin: string): Record<string, unknown> => ({
  issuer: origin,
  jwks_uri: `${origin}/jwks`,
  authorization_endpoint: `${origin}/authorize`,
  token_endpoint: `${origin}/token`,
  grant_types_supported: ['authorization_code', 'client_credentials'],
  capabilities: ['launch-standalone', 'sso-openid-connect'],
  code_challenge_methods_supported: ['S256'],
})

const capabilityStatement = (endpoints: Record<string, string>, resourceType = 'CapabilityStatement') => ({
  resourceType,
  rest: [
    {
      mode: 'server',
      security: {
        extension: [
          {
            url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
            extension: Object.entries(endpoints).map(([url, valueUri]) => ({ url, valueUri })),
          },
        ],
      },
    },
  ],
})

describe('smart-configuration', () => {
  it.each(['/apis/fhir', '/apis/fhir/'])(
    'DISC-01 DISC-02 asks once, below the path of the base (%s), for JSON',
    async (path) => {
      const server = await startJsonServer((origin) => ({
        '/apis/fhir/.well-known/smart-configuration': complete(origin),
      }))
      const { metadata } = await find(server.origin + path)
      expect(metadata.token_endpoint).toBe(`${server.origin}/token`)
      expect(paths(server)).toEqual(['/apis/fhir/.well-known/smart-configuration'])
      expect(server.requests[0]?.method).toBe('GET')
      expect(server.requests[0]?.headers.accept).toBe('application/json')
    },
  )

  it('DISC-03 reads JSON whatever its content type says', async () => {
    const server = await startJsonServer((origin) => ({ '/.well-known/smart-configuration': complete(origin) }), {
      'content-type': 'text/plain',
    })
    expect((await find(server.origin)).metadata.issuer).toBe(server.origin)
  })

  it.each([
    ['a web page', '<html>Welcome</html>', /not JSON/],
    ['nothing', '', /not JSON/],
    ['a list', '[]', /not an object/],
    ['null', 'null', /not an object/],
    ['an empty object', '{}', /names no endpoint/],
  ])('DISC-03 refuses %s with status 200', async (_name, body, reason) => {
    const server = await startServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end(body)
    })
    const failure = await failureOf(() => find(server.origin))
    expect(failure.code).toBe('discovery_failed')
    expect(failure.message).toMatch(reason)
  })

  it.each(['/fhir', '/fhir/'])(
    'DISC-04 takes relative endpoints as relative to the base as a folder (%s)',
    async (path) => {
      const document = { token_endpoint: 'auth/token', authorization_endpoint: '/authorize', jwks_uri: '../keys' }
      const server = await startJsonServer(() => ({ '/fhir/.well-known/smart-configuration': document }))
      const { metadata } = await find(server.origin + path)
      expect(metadata.token_endpoint).toBe(`${server.origin}/fhir/auth/token`)
      expect(metadata.authorization_endpoint).toBe(`${server.origin}/authorize`)
      expect(metadata.jwks_uri).toBe(`${server.origin}/keys`)
    },
  )

  it.each(['issuer', 'jwks_uri', 'grant_types_supported', 'capabilities', 'code_challenge_methods_supported'])(
    'DISC-05 does without %s',
    async (member) => {
      const server = await startJsonServer((origin) => {
        const { [member]: _left, ...document } = complete(origin)
        return { '/.well-known/smart-configuration': document }
      })
      const { metadata } = await find(server.origin)
      expect(metadata.token_endpoint).toBe(`${server.origin}/token`)
      expect(metadata).not.toHaveProperty(member)
    },
  )

  it('DISC-05 fails without a token endpoint, naming every URL tried', async () => {
    const server = await startJsonServer((origin) => {
      const { token_endpoint: _left, ...document } = complete(origin)
      return { '/fhir/.well-known/smart-configuration': document, '/fhir/metadata': { resourceType: 'Bundle' } }
    })
    const failure = await failureOf(() => find(`${server.origin}/fhir`))
    expect(failure.code).toBe('discovery_failed')
    expect(failure.message).toContain(`${server.origin}/fhir/metadata`)
    expect(failure.message).toContain('Check fhirBaseUrl, or set metadata.token_endpoint')
  })

  it.each([
    ['cannot be reached', () => Promise.reject(new TypeError('fetch failed'))],
    ['answers 404', async () => new Response('', { status: 404 })],
    ['answers with a page', async () => new Response('<html>')],
  ])(
    'DISC-05 of a server that %s each address stands once in the message, and no full stop twice',
    async (_, fetch) => {
      const { message } = await failureOf(() => find('https://ehr.example.com/fhir', LAUNCH, {}, { fetch }))
      for (const path of ['.well-known/smart-configuration', 'metadata']) {
        expect(message.split(`https://ehr.example.com/fhir/${path}`)).toHaveLength(2)
      }
      expect(message).not.toMatch(/\.[.;]/)
    },
  )

  it('DISC-05 a launch without an authorization endpoint fails when it needs it, saying where it was looked for', async () => {
    const server = await startJsonServer((origin) => ({
      '/.well-known/smart-configuration': { token_endpoint: `${origin}/token` },
    }))
    const { metadata } = await find(server.origin)
    const failure = await failureOf(() => requireEndpoint(metadata, 'authorization_endpoint'))
    expect(failure.code).toBe('missing_endpoint')
    expect(failure.message).toContain(`${server.origin}/.well-known/smart-configuration`)
  })

  it('DISC-06 a backend needs no authorization endpoint, and looks no further for one', async () => {
    const server = await startJsonServer((origin) => ({
      '/.well-known/smart-configuration': {
        token_endpoint: `${origin}/token`,
        token_endpoint_auth_methods_supported: ['private_key_jwt'],
        token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384'],
        grant_types_supported: ['client_credentials'],
        scopes_supported: ['system/*.rs'],
        capabilities: ['client-confidential-asymmetric'],
      },
    }))
    const { metadata } = await find(server.origin, BACKEND)
    expect(metadata.token_endpoint_auth_signing_alg_values_supported).toEqual(['RS384', 'ES384'])
    expect(server.requests).toHaveLength(1)
  })

  it('DISC-07 asks for scopes that scopes_supported does not list, unchanged', async () => {
    const server = await startTokenServer(undefined, { scopes_supported: ['openid'] })
    const scope = 'system/Observation.rs?category=vital-signs system/Group.rs'
    const { fhirBaseUrl } = server
    const clientAuth = clientSecretBasic('a secret')
    await createBackendServices({ fhirBaseUrl, clientId: 'job', clientAuth, scope }).context()
    expect(server.tokenRequests[0]?.form.get('scope')).toBe(scope)
  })

  it('DISC-08 DISC-16 keeps members it has no use for in the raw document, and known optional ones typed', async () => {
    const associated = [{ url: 'https://fhir.example.com', capabilities: ['launch-ehr'] }]
    const server = await startJsonServer((origin) => ({
      '/.well-known/smart-configuration': {
        ...complete(origin),
        capabilities: ['launch-ehr', 'https://vendor.example/capability'],
        associated_endpoints: associated,
        smart_app_state_endpoint: `${origin}/state`,
        user_access_brand_bundle: 'https://brands.example.com/bundle.json',
        management_endpoint: `${origin}/manage`,
        'https://vendor.example/extra': { anything: [1] },
      },
    }))
    const { metadata } = await find(server.origin)
    expect(metadata.documents[0]?.['https://vendor.example/extra']).toEqual({ anything: [1] })
    expect(metadata).not.toHaveProperty('https://vendor.example/extra')
    expect(metadata.capabilities).toContain('https://vendor.example/capability')
    expect(metadata.associated_endpoints).toEqual(associated)
    expect(metadata.smart_app_state_endpoint).toBe(`${server.origin}/state`)
    expect(metadata.user_access_brand_bundle).toBe('https://brands.example.com/bundle.json')
    expect(metadata.management_endpoint).toBe(`${server.origin}/manage`)
  })

  it.each([
    'http://ehr.example.com/token',
    'http://127.0.0.1.example.com/token',
    'ftp://127.0.0.1/token',
    'javascript:alert(1)',
  ])('DISC-14 refuses the endpoint %s before anything is sent to it', async (endpoint) => {
    const server = await startJsonServer((origin) => ({
      '/.well-known/smart-configuration': { ...complete(origin), token_endpoint: endpoint },
    }))
    const failure = await failureOf(() => find(server.origin))
    expect(failure.code).toBe('discovery_failed')
    expect(failure.message).toContain('token_endpoint must be https')
  })

  it('DISC-14 asks nothing of a base that is not https', async () => {
    let sent = 0
    const fetch = async () => {
      sent++
      return new Response('{}')
    }
    const failure = await failureOf(() => find('http://ehr.example.com/fhir', LAUNCH, {}, { fetch }))
    expect(failure.message).toContain('must be https')
    expect(sent).toBe(0)
  })

  it.each([301, 302, 307])('DISC-14 does not follow a redirect (%i)', async (status) => {
    const elsewhere = await startJsonServer((origin) => ({ '/': complete(origin) }))
    const server = await startServer((_request, response) => {
      response.writeHead(status, { location: elsewhere.origin }).end()
    })
    const failure = await failureOf(() => find(server.origin))
    expect(failure.message).toContain('redirect')
    expect(elsewhere.requests).toEqual([])
  })

  it.each([
    ['answers only in part', 'timeout' as const],
    ['sends without end', 'too large' as const],
  ])('TOK-09 gives up on a server that %s', async (_name, kind) => {
    const server = await startServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      if (kind === 'timeout') response.write('{')
      else response.end(Buffer.alloc(9 * 1024 * 1024, ' '))
    })
    const failure = await failureOf(() =>
      find(server.origin, LAUNCH, {}, { timeoutSeconds: kind === 'timeout' ? 0.3 : 10 }),
    )
    expect(failure.code).toBe('discovery_failed')
    expect(failure.message).toMatch(kind === 'timeout' ? /did not answer within 0.3 s/ : /more than \d+ bytes/)
  })
})

describe('the CapabilityStatement', () => {
  it.each(['CapabilityStatement', 'Conformance'])(
    'DISC-09 DISC-10 is read after a 404, as %s; issuer, keys and PKCE stay unknown',
    async (resourceType) => {
      const server = await startJsonServer((origin) => ({
        '/fhir/metadata': capabilityStatement(
          {
            authorize: `${origin}/authorize`,
            token: `${origin}/token`,
            introspect: `${origin}/introspect`,
            revoke: `${origin}/revoke`,
            register: `${origin}/register`,
            manage: `${origin}/manage`,
          },
          resourceType,
        ),
      }))
      const { metadata } = await find(`${server.origin}/fhir`)
      expect(paths(server)).toEqual(['/fhir/.well-known/smart-configuration', '/fhir/metadata'])
      expect(metadata).toMatchObject({
        authorization_endpoint: `${server.origin}/authorize`,
        token_endpoint: `${server.origin}/token`,
        introspection_endpoint: `${server.origin}/introspect`,
        revocation_endpoint: `${server.origin}/revoke`,
        registration_endpoint: `${server.origin}/register`,
        management_endpoint: `${server.origin}/manage`,
      })
      for (const unknown of ['issuer', 'jwks_uri', 'code_challenge_methods_supported', 'capabilities']) {
        expect(metadata).not.toHaveProperty(unknown)
      }
    },
  )

  it.each([
    ['force', true],
    ['auto', false],
  ] as const)('DISC-10 with no word on PKCE the policy of the dialect decides: %s', async (pkce, sent) => {
    const server = await startJsonServer((origin) => ({
      '/metadata': capabilityStatement({ authorize: `${origin}/authorize`, token: `${origin}/token` }),
    }))
    const { metadata } = await find(server.origin)
    const redirectUri = 'https://app.example.com/callback'
    const registration = { fhirBaseUrl: server.origin, clientId: 'app', scope: 'openid', redirectUri }
    const clientAuth = clientSecretBasic('a secret')
    const dialect = smart({ authorization: { pkce } })
    const client = checkRegistration(
      { ...registration, clientAuth, dialect },
      { flow: 'launch', defaultAuth: () => clientAuth },
    )
    const { parameters } = await createAuthorizationRequest({ ...client, redirectUri }, metadata)
    expect(parameters.has('code_challenge')).toBe(sent)
  })

  it('DISC-09 when both fail, one error names both URLs and why each failed', async () => {
    const server = await startServer((request, response) => {
      response.writeHead(request.url === '/metadata' ? 503 : 404).end()
    })
    const failure = await failureOf(() => find(server.origin))
    expect(failure.code).toBe('discovery_failed')
    expect(failure.message).toContain(`${server.origin}/.well-known/smart-configuration: it answered 404`)
    expect(failure.message).toContain(`${server.origin}/metadata: it answered 503`)
  })
})

describe('openid-configuration', () => {
  it('DISC-11 adds what smart-configuration lacks, and changes nothing of it', async () => {
    const server = await startJsonServer((origin) => ({
      '/fhir/.well-known/smart-configuration': {
        issuer: `${origin}/as`,
        token_endpoint: `${origin}/token`,
        authorization_endpoint: `${origin}/authorize`,
      },
      '/as/.well-known/openid-configuration': {
        issuer: `${origin}/as`,
        jwks_uri: `${origin}/jwks`,
        token_endpoint: `${origin}/other-token`,
      },
    }))
    const { metadata } = await find(`${server.origin}/fhir`, [...LAUNCH, 'jwks_uri'])
    expect(metadata.jwks_uri).toBe(`${server.origin}/jwks`)
    expect(metadata.token_endpoint).toBe(`${server.origin}/token`)
    expect(metadata.sources).toEqual([
      `${server.origin}/fhir/.well-known/smart-configuration`,
      `${server.origin}/as/.well-known/openid-configuration`,
    ])
  })

  it('DISC-11 of the issuer that the dialect names stands in for a missing smart-configuration', async () => {
    const authorization = await startJsonServer((origin) => ({
      '/.well-known/openid-configuration': complete(origin),
    }))
    const fhir = await startJsonServer(() => ({}))
    const discovery = { url: undefined, issuer: authorization.origin }
    const { metadata } = await find(fhir.origin, LAUNCH, { discovery })
    expect(metadata.token_endpoint).toBe(`${authorization.origin}/token`)
    expect(paths(fhir)).toEqual(['/.well-known/smart-configuration'])
  })

  it.each(['https://attacker.example.com', undefined, { toString: null }, ['a']])(
    'DISC-11 is refused when it names another issuer: %j',
    async (issuer) => {
      const server = await startJsonServer((origin) => ({
        '/.well-known/openid-configuration': { ...complete(origin), issuer },
      }))
      const discovery = { url: undefined, issuer: server.origin }
      const failure = await failureOf(() => find(server.origin, LAUNCH, { discovery }))
      expect(failure.code).toBe('discovery_failed')
      expect(failure.message).toMatch(/it names (no issuer|the issuer https:\/\/attacker.example.com), not/)
    },
  )

  it('DISC-11 an issuer from a document is shown on one line', async () => {
    const server = await startJsonServer((origin) => ({
      '/.well-known/smart-configuration': { issuer: `${origin}/\nforged line`, capabilities: [] },
      '/forged%20line/.well-known/openid-configuration': complete(origin),
      '/forgedline/.well-known/openid-configuration': complete(origin),
    }))
    expect((await failureOf(() => find(server.origin))).message).not.toContain('\n')
  })
})

describe('configuration', () => {
  it('DISC-12 the discovery URL of the dialect is asked in place of the one below the base', async () => {
    const server = await startJsonServer((origin) => ({ '/.well-known/smart-configuration': complete(origin) }))
    const discovery = { url: `${server.origin}/.well-known/smart-configuration`, issuer: undefined }
    await find(`${server.origin}/v2/fhir`, LAUNCH, { discovery })
    expect(paths(server)).toEqual(['/.well-known/smart-configuration'])
  })

  it('DISC-12 static metadata wins over what is discovered', async () => {
    const server = await startJsonServer((origin) => ({ '/.well-known/smart-configuration': complete(origin) }))
    const metadata = { token_endpoint: 'https://public.example.com/token', issuer: undefined }
    const found = await find(server.origin, LAUNCH, { metadata })
    expect(found.metadata.token_endpoint).toBe('https://public.example.com/token')
    expect(found.metadata.authorization_endpoint).toBe(`${server.origin}/authorize`)
    expect(found.metadata.issuer).toBe(server.origin)
  })

  it('DISC-12 complete static metadata asks the server nothing', async () => {
    const server = await startJsonServer(() => ({}))
    const metadata = { token_endpoint: 'https://as.example.com/token' }
    const found = await find(server.origin, BACKEND, { metadata })
    expect(found.metadata.sources).toEqual(['configuration'])
    expect(server.requests).toEqual([])
  })

  it('DISC-15 configures itself from the base URL alone', async () => {
    const server = await startTokenServer()
    const { fhirBaseUrl } = server
    const clientAuth = clientSecretBasic('a secret')
    const services = createBackendServices({ fhirBaseUrl, clientId: 'job', clientAuth, scope: 'system/Patient.rs' })
    expect((await services.context()).accessToken).toBe('token-1')
  })
})

it('DISC-03 whatever JSON a server sends, discovery succeeds or fails with its own error', async () => {
  const names = ['issuer', 'token_endpoint', 'authorization_endpoint', 'jwks_uri', 'capabilities', 'rest', '__proto__']
  const document = fc.oneof(
    fc.json(),
    fc.string(),
    fc
      .dictionary(fc.constantFrom(...names), fc.oneof(fc.jsonValue(), fc.webUrl(), fc.string()))
      .map((members) => JSON.stringify(members)),
  )
  await fc.assert(
    fc.asyncProperty(document, document, fc.constantFrom(200, 204, 401, 500), async (smartText, otherText, status) => {
      const fetch = async (url: string | URL | Request) => {
        const text = String(url).endsWith('/smart-configuration') ? smartText : otherText
        return new Response(status === 204 ? null : text, { status })
      }
      try {
        const { metadata } = await find('https://ehr.example.com/fhir', [...LAUNCH, 'jwks_uri'], {}, { fetch })
        expect(new URL(metadata.token_endpoint ?? '').protocol).toMatch(/^https?:$/)
      } catch (error) {
        expect(error).toBeInstanceOf(FhirAuthError)
        expect((error as FhirAuthError).code).toBe('discovery_failed')
        expect((error as FhirAuthError).message).not.toMatch(/[\r\n]/)
      }
    }),
    { numRuns: 300 },
  )
})
