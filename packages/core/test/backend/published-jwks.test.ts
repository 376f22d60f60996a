import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createBackendServices, loadKeySet } from '../../src/index.ts'
import { maxAgeSeconds } from '../../src/internal.ts'
import { ecJwk, rsaJwk } from '../support/signing-jwks.ts'

const PUBLIC_MEMBERS = ['alg', 'crv', 'e', 'kid', 'kty', 'n', 'use', 'x', 'y']
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
const EC = ecJwk()
const RSA = rsaJwk()
const P256 = ecJwk('P-256')
const [{ x, y }] = [EC]
const request = { method: 'GET', url: '/.well-known/jwks.json', header: () => undefined }
const START = Date.UTC(2026, 0, 1)

/** What people put into a private JWKS besides the keys. */
const extra = fc.dictionary(
  fc.oneof(
    fc.constantFrom('oth', 'k', 'ext', 'key_ops', 'x5c', 'x5t', 'iss', 'secret', 'D', 'private', '__proto__', 'toJSON'),
    fc.string({ minLength: 1 }).filter((name) => !/^(?:kty|crv|alg|kid|use|d|n|e|x|y|p|q|dp|dq|qi)$/.test(name)),
  ),
  fc.oneof(fc.constant('PRIVATE-VALUE'), fc.constant(['PRIVATE-VALUE']), fc.constant({ d: 'PRIVATE-VALUE' })),
)
const time = fc.option(fc.integer({ min: START / 1000 - 100_000, max: START / 1000 + 100_000 }), { nil: undefined })

it('JWKS-04 never is a private member published, whatever the private JWKS has in it, at no time and through no door', async () => {
  const key = fc.tuple(fc.constantFrom<object>(EC, RSA, P256), extra, time)
  const set = fc.tuple(fc.uniqueArray(key, { minLength: 1, maxLength: 3, selector: ([jwk]) => jwk }), extra)
  await fc.assert(
    fc.asyncProperty(set, fc.integer({ min: -200_000, max: 200_000 }), async ([entries, around], seconds) => {
      const external = {
        alg: 'ES384',
        kid: 'kms',
        publicJwk: { note: 'PRIVATE-VALUE', kty: 'EC', crv: 'P-384', x, y },
        sign: () => new Uint8Array(),
      }
      const local = entries.map(([jwk, members, signFrom], index) => ({
        ...members,
        ...jwk,
        kid: `key-${index}`,
        ...(signFrom !== undefined && { signFrom, signUntil: signFrom + 50_000 }),
      }))
      const keys = await loadKeySet({ ...around, keys: [...local, external] })
      const services = createBackendServices({
        ...{ fhirBaseUrl: 'https://ehr.example.com', clientId: 'job', scope: 'system/*.rs', keys },
        now: () => START + seconds * 1000,
      })
      const { body } = await services.answer(request)
      const everywhere = [
        body,
        JSON.stringify(keys.publicJwks(START)),
        JSON.stringify(keys.states(START)),
        JSON.stringify(keys),
      ]
      for (const published of JSON.parse(body).keys) {
        for (const name of Object.keys(published)) expect(PUBLIC_MEMBERS).toContain(name)
        for (const value of Object.values(published)) expect(value).toBeTypeOf('string')
      }
      for (const text of everywhere) {
        expect(text).not.toContain('PRIVATE-VALUE')
        for (const jwk of [EC, RSA, P256] as Record<string, unknown>[]) {
          for (const member of PRIVATE_MEMBERS) if (jwk[member]) expect(text).not.toContain(jwk[member])
        }
      }
    }),
    { numRuns: 150 },
  )
})

it('JWKS-03 the max-age that servers are told fits the overlap: a copy is stale before a key in it has gone', async () => {
  const turn = START + 10_000_000
  const keys = await loadKeySet({
    keys: [
      { ...EC, kid: 'old' },
      { ...ecJwk(), kid: 'new', signFrom: turn / 1000 },
    ],
  })
  await fc.assert(
    fc.asyncProperty(fc.double({ min: 0.001, max: 1e6, noNaN: true }), async (jwksMaxAgeSeconds) => {
      const clock = { now: turn - 1 }
      const services = createBackendServices({
        ...{ fhirBaseUrl: 'https://ehr.example.com', clientId: 'job', scope: 'system/*.rs', keys, jwksMaxAgeSeconds },
        now: () => clock.now,
      })
      const kids = async () =>
        JSON.parse((await services.answer(request)).body).keys.map(({ kid }: { kid: string }) => kid)
      const { headers } = await services.answer(request)
      const told = maxAgeSeconds(new Headers(headers)) ?? Number.NaN
      expect(headers['cache-control']).toMatch(/^public, max-age=[1-9]\d*$/)
      // The last assertion of the old key may be checked when it is five minutes old, with a copy as old as allowed.
      clock.now = turn + (told + 300) * 1000
      expect(await kids()).toEqual(['old', 'new'])
      clock.now = turn + (told + 600) * 1000
      expect(await kids()).toEqual(['new'])
    }),
  )
})
