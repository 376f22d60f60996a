import { expect, it } from 'vitest'
import { type DialectOverrides, defineDialect, smart } from '../../src/index.ts'
import { failureOf } from '../support/failure-of.ts'

it('a dialect is SMART but for what it says otherwise', () => {
  const dialect = defineDialect('vendor', { authorization: { pkce: 'auto' }, token: { assumeBearer: true } })
  const { name, authorization, token, ...rest } = dialect
  const { name: _name, authorization: smartAuthorization, token: smartToken, ...smartRest } = smart()
  expect(name).toBe('vendor')
  expect(authorization).toEqual({ ...smartAuthorization, pkce: 'auto' })
  expect(token).toEqual({ ...smartToken, assumeBearer: true })
  expect(rest).toEqual(smartRest)
})

it('a rule that is undefined leaves the one before it', () => {
  expect(defineDialect('vendor', { assertion: { typ: undefined }, token: undefined }).assertion.typ).toBe('JWT')
})

it('can start from another dialect', () => {
  const base = defineDialect('base', { assertion: { lifetimeSeconds: 60 }, authorization: { pkce: 'off' } })
  const derived = defineDialect('derived', { assertion: { typ: 'x' } }, base)
  expect(derived.assertion).toEqual({ ...base.assertion, typ: 'x' })
  expect(derived.authorization.pkce).toBe('off')
  expect(base.assertion.typ).toBe('JWT')
})

it('is frozen in all its parts, and leaves the object it was given alone', () => {
  const overrides: DialectOverrides = Object.freeze({ authorization: Object.freeze({ pkce: 'off' } as const) })
  const dialect = defineDialect('vendor', overrides)
  expect(Object.isFrozen(dialect)).toBe(true)
  expect(Object.isFrozen(dialect.authorization)).toBe(true)
  expect(() => Object.assign(dialect, { name: 'other' })).toThrow(TypeError)
})

it.each([
  [{ tokens: {} }, /defineDialect\("vendor"\): unknown option "tokens"\. Did you mean "token"/],
  [{ authorization: { PKCE: 'off' } }, /"vendor"\)\.authorization: unknown option "PKCE"\. Did you mean "pkce"/],
  [{ assertion: { audiance: 'issuer' } }, /Did you mean "audience"/],
  [{ token: 'always' }, /takes an options object/],
])('JWT-09 a mistake in it is found when it is made: %j', async (overrides, message) => {
  const failure = await failureOf(() => defineDialect('vendor', overrides as DialectOverrides))
  expect(failure.code).toBe('invalid_option')
  expect(failure.message).toMatch(message)
})
