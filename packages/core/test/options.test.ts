import { describe, expect, it } from 'vitest'
import { createFhirGuard } from '../src/adapter.ts'
import { createBackendServices, createSmartLaunch, intelichart, loadKeySet, memoryStore } from '../src/index.ts'
import {
  callable,
  checkedByReader,
  clock,
  flag,
  group,
  listOf,
  type OptionRules,
  oneOf,
  optionalGroup,
  optionalText,
  path,
  pathOrFalse,
  positive,
  readOptions,
  text,
  textList,
  textOrList,
} from '../src/options.ts'
import { introspectToken } from '../src/protocol.ts'
import { failureOf } from './support/failure-of.ts'
import { createMapStore } from './support/map-store.ts'
import { newSecret } from './support/portal-world.ts'
import { ecJwk } from './support/signing-jwks.ts'

const server = { fhirBaseUrl: 'https://ehr.example/fhir', clientId: 'app' }
const launch = (options: object) =>
  createSmartLaunch({
    ...server,
    ...{ redirectUri: 'https://app.example/callback', scope: 'patient/*.rs', session: { secret: newSecret() } },
    ...options,
  })
const keys = await loadKeySet(ecJwk())
const backend = (options: object) => createBackendServices({ ...server, scope: 'system/*.rs', keys, ...options })
const sharedTokens = (options: object) => ({
  sharedTokens: { store: createMapStore(), secret: newSecret(), ...options },
})
const introspect = (options: object) => introspectToken('t', { ...server, accessToken: 'x', ...options })

describe('each option of each factory is checked when the factory is called', () => {
  it.each<[option: string, call: () => unknown]>([
    ['smartLaunch(): now', () => launch({ now: 1_767_225_600_000 })],
    ['smartLaunch(): fetch', () => launch({ fetch: 'https://proxy.example' })],
    ['smartLaunch(): timeoutSeconds', () => launch({ timeoutSeconds: '10' })],
    ['smartLaunch(): loginTimeoutSeconds', () => launch({ loginTimeoutSeconds: null })],
    ['smartLaunch(): logoutAtServer', () => launch({ logoutAtServer: 'yes' })],
    ['smartLaunch(): onEvent', () => launch({ onEvent: console })],
    ['smartLaunch(): afterLogin', () => launch({ afterLogin: '/home' })],
    ['smartLaunch(): session.sameSite', () => launch({ session: { secret: newSecret(), sameSite: 'Lax' } })],
    ['smartLaunch(): session takes an options object', () => launch({ session: newSecret() })],
    ['smartLaunch(): paths.logout', () => launch({ paths: { logout: true } })],
    ['smartLaunch(): paths.home', () => launch({ paths: { home: false } })],
    ['smartLaunch(): clientAuth', () => launch({ clientAuth: 'secret' })],
    ['smartLaunch(): metadata.issuer', () => launch({ metadata: { issuer: 7 } })],
    ['smartLaunch(): metadata.token_endpoint', () => launch({ metadata: { token_endpoint: 7 } })],
    [
      'smartLaunch(): metadata.code_challenge_methods_supported',
      () => launch({ metadata: { code_challenge_methods_supported: 'S256' } }),
    ],
    ['backendServices(): now', () => backend({ now: new Date() })],
    ['backendServices(): fetch', () => backend({ fetch: {} })],
    ['backendServices(): keys', () => backend({ keys: ecJwk() })],
    ['backendServices(): keys', () => backend({ keys: loadKeySet(ecJwk()) })],
    ['backendServices(): jwksPath', () => backend({ jwksPath: 'https://app.example/jwks.json' })],
    ['backendServices(): jwksPath', () => backend({ jwksPath: true })],
    ['backendServices(): jwksMaxAgeSeconds', () => backend({ jwksMaxAgeSeconds: 0 })],
    ['backendServices(): onEvent', () => backend({ onEvent: true })],
    ['backendServices(): timeoutSeconds', () => backend({ timeoutSeconds: Number.NaN })],
    ['backendServices(): sharedTokens.store', () => backend(sharedTokens({ store: null }))],
    ['backendServices(): sharedTokens.secret', () => backend(sharedTokens({ secret: 'short' }))],
    ['backendServices(): sharedTokens: unknown option "secrets"', () => backend(sharedTokens({ secrets: [] }))],
    ['registrations[1].clientId', () => backend(many({ ...other, clientId: '' }))],
    ['registrations[1].metadata.jwks_uri', () => backend(many({ ...other, metadata: { jwks_uri: 'keys' } }))],
    ['registrations[1] takes an options object', () => backend(many('other'))],
    ['registrations[1] takes an options object', () => backend(many(null))],
    ['context(): unknown option "scopes"', () => backend({}).context({ scopes: 'system/*.rs' } as object)],
    ['context(): fhirBaseUrl', () => backend({}).context({ fhirBaseUrl: 7 } as object)],
    ['introspectToken(): now', () => introspect({ now: 0 })],
    ['introspectToken(): fetch', () => introspect({ fetch: 'x' })],
    ['introspectToken(): timeoutSeconds', () => introspect({ timeoutSeconds: -1 })],
    ['introspectToken(): dialect', () => introspect({ dialect: 'epic' })],
    ['requireFhir(): patient', () => createFhirGuard({ patient: 'yes' } as object)],
    ['requireFhir(): scope', () => createFhirGuard({ scope: 7 } as object)],
    ['memoryStore(): now', () => memoryStore({ now: 7 } as object)],
    ['intelichart(): audience', () => intelichart({ audience: 7 } as object)],
    ['intelichart(): omitClaims', () => intelichart({ omitClaims: ['iss'] } as object)],
    [
      'loadKeySet(): unknown option "algorithm". Did you mean "alg"?',
      () => loadKeySet(ecJwk(), { algorithm: 'RS256' } as object),
    ],
    ['loadKeySet(): alg', () => loadKeySet(ecJwk(), { alg: 'HS256' } as object)],
    ['loadKeySet(): kid', () => loadKeySet(ecJwk(), { kid: 7 } as object)],
    ['loadKeySet(): reloadSeconds', () => loadKeySet(ecJwk(), { reloadSeconds: 0 })],
    ['loadKeySet() takes an options object', () => loadKeySet(ecJwk(), 'RS384' as never)],
  ])('%s', async (option, call) => {
    const failure = await failureOf(call)
    expect(['invalid_option', 'insecure_url']).toContain(failure.code)
    expect(failure.message).toContain(option)
  })
})

const other = { fhirBaseUrl: 'https://other.example/fhir', clientId: 'app', scope: 'system/*.rs' }
const many = (second: unknown) => ({
  ...{ fhirBaseUrl: undefined, clientId: undefined, scope: undefined },
  registrations: [{ ...server, scope: 'system/*.rs' }, second],
})

describe('a table of rules', () => {
  interface Options {
    name: string
    sizes?: readonly string[] | undefined
  }

  it('that forgets an option does not compile', () => {
    const complete = { name: text('Write one.'), sizes: textList } satisfies OptionRules<Options>
    // @ts-expect-error: sizes has no rule
    const partial = { name: text('Write one.') } satisfies OptionRules<Options>
    // @ts-expect-error: sizes is a list
    const wrong = { name: text('Write one.'), sizes: flag(false) } satisfies OptionRules<Options>
    expect([complete, partial, wrong].map((table) => Object.keys(table).length)).toEqual([2, 1, 2])
  })

  it('gives each value, and each default', () => {
    const rules = {
      ...{ a: positive(5), b: flag(true), c: oneOf('x', 'y'), d: path('/p'), e: pathOrFalse(undefined), f: clock },
      ...{ g: group({ h: positive(1) }), i: optionalGroup({ h: positive(1) }), j: callable(), k: optionalText },
      ...{ l: textList, m: textOrList, n: listOf('x', 'y'), o: checkedByReader() },
    }
    const absent = { c: undefined, e: undefined, i: undefined, j: undefined, k: undefined, l: undefined }
    expect(readOptions({}, rules, 'f()')).toEqual({
      ...absent,
      ...{ a: 5, b: true, d: '/p', f: Date.now, g: { h: 1 }, m: undefined, n: undefined, o: undefined },
    })
    const now = () => 0
    const given = {
      ...{ a: 0.5, b: false, c: 'y', d: '/q', e: false, f: now, g: { h: 2 }, i: {}, j: now, k: 't' },
      ...{ l: [], m: ['t'], n: ['x'], o: null },
    }
    expect(readOptions(given, rules, 'f()')).toEqual({ ...given, i: { h: 1 } })
  })

  it.each(['//evil.example', '/\\evil.example', 'login', '', '/a?b', '/a#b', '/a b', 7, null, {}])(
    'a path is one of this app: %j is refused',
    async (value) => {
      for (const rule of [path('/'), pathOrFalse('/')])
        expect((await failureOf(() => rule(value, 'p'))).message).toContain('p must be a path')
    },
  )
})
