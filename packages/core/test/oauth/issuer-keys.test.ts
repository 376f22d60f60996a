import { describe, expect, it } from 'vitest'
import { IssuerKeys } from '../../src/oauth/issuer-keys.ts'
import { type SeenRequest, startServer } from '../support/http-server.ts'
import { startSandbox } from '../support/registered-client.ts'

/** A key server whose keys, age and status can be changed, and a clock. */
async function startKeyServer() {
  const state = { kids: ['a'], cacheControl: undefined as string | undefined, status: 200, body: undefined as unknown }
  const server = await startServer((_request: SeenRequest, response) => {
    if (state.cacheControl) response.setHeader('cache-control', state.cacheControl)
    const body = state.body ?? { keys: state.kids.map((kid) => ({ kty: 'RSA', kid, n: 'n', e: 'AQAB' })) }
    response.writeHead(state.status).end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  const clock = { now: 1_700_000_000_000 }
  const keys = new IssuerKeys({}, () => clock.now)
  const kidsFor = async (kid?: string) => (await keys.get(`${server.origin}/jwks`, kid)).keys.map((key) => key.kid)
  return { state, server, clock, kidsFor, pass: (seconds: number) => (clock.now += seconds * 1000) }
}

describe('the keys of an issuer', () => {
  it('IDT-04 a key set of bare keys is enough, and anything in it that is not a key is left out', async () => {
    const { state, kidsFor } = await startKeyServer()
    state.body = { keys: [{ kty: 'RSA', kid: 'a', n: 'n', e: 'AQAB' }, null, 'key', 5] }
    expect(await kidsFor('a')).toEqual(['a'])
  })

  it('IDT-05 many logins at once fetch the key set once', async () => {
    const { server, kidsFor } = await startKeyServer()
    await Promise.all(Array.from({ length: 50 }, () => kidsFor('a')))
    expect(server.requests).toHaveLength(1)
    expect(server.requests[0]).toMatchObject({ method: 'GET', headers: { accept: 'application/json' } })
  })

  it('IDT-05 the key set is kept as long as its Cache-Control says, ten minutes where it says nothing, a day at most', async () => {
    for (const [cacheControl, seconds] of [
      ['public, max-age=60', 60],
      [undefined, 600],
      ['max-age=31536000', 24 * 3600],
    ] as const) {
      const { state, server, kidsFor, pass } = await startKeyServer()
      state.cacheControl = cacheControl
      await kidsFor('a')
      pass(seconds - 1)
      await kidsFor('a')
      expect(server.requests).toHaveLength(1)
      pass(2)
      await kidsFor('a')
      expect(server.requests).toHaveLength(2)
    }
  })

  it('IDT-05 an unknown kid causes one refetch, which finds a rotated key', async () => {
    const { state, server, kidsFor, pass } = await startKeyServer()
    await kidsFor('a')
    pass(31)
    state.kids = ['b']
    expect(await kidsFor('b')).toEqual(['b'])
    expect(server.requests).toHaveLength(2)
  })

  it('IDT-05 then it pauses: a flood of forged kids does not hammer the server', async () => {
    const { server, kidsFor, pass } = await startKeyServer()
    await kidsFor('a')
    pass(31)
    for (let forged = 0; forged < 20; forged++) await kidsFor(`forged-${forged}`)
    expect(server.requests).toHaveLength(2)
    pass(31)
    await Promise.all(Array.from({ length: 20 }, (_, forged) => kidsFor(`forged-${forged}`)))
    expect(server.requests).toHaveLength(3)
  })

  it('IDT-05 the pause holds after a refetch that failed, and the known keys keep working', async () => {
    const { state, server, kidsFor, pass } = await startKeyServer()
    await kidsFor('a')
    pass(31)
    state.status = 500
    await expect(kidsFor('forged')).rejects.toMatchObject({ code: 'invalid_response' })
    expect(await kidsFor('forged-again')).toEqual(['a'])
    expect(await kidsFor('a')).toEqual(['a'])
    expect(server.requests).toHaveLength(2)
  })

  it('IDT-05 a refetch that failed does not end the time for which the known keys are good', async () => {
    const { state, server, kidsFor, pass } = await startKeyServer()
    await kidsFor('a')
    pass(31)
    state.status = 500
    await expect(kidsFor('forged')).rejects.toMatchObject({ code: 'invalid_response' })
    pass(31)
    expect(await kidsFor('a')).toEqual(['a'])
    expect(server.requests).toHaveLength(2)
  })

  it.each([
    ['an error', 503, { keys: [] }],
    ['a web page', 200, '<html>'],
    ['no list of keys', 200, { keys: {} }],
    ['a list', 200, []],
  ])(
    'IDT-05 %s in place of a key set is a typed error, remembered for a moment, and then it is tried again',
    async (_name, status, body) => {
      const { state, server, kidsFor, pass } = await startKeyServer()
      Object.assign(state, { status, body })
      for (let logins = 0; logins < 500; logins++) {
        await expect(kidsFor('a')).rejects.toMatchObject({ code: 'invalid_response' })
      }
      expect(server.requests).toHaveLength(1)
      pass(5)
      Object.assign(state, { status: 200, body: undefined })
      expect(await kidsFor('a')).toEqual(['a'])
      expect(server.requests).toHaveLength(2)
    },
  )

  it('IDT-05 no answer of a server makes it be asked more often than every 30 seconds', async () => {
    const { state, server, kidsFor, pass } = await startKeyServer()
    state.cacheControl = 'no-store'
    for (let logins = 0; logins < 500; logins++) await kidsFor(`forged-${logins}`)
    expect(server.requests).toHaveLength(1)
    pass(30)
    await kidsFor('forged')
    expect(server.requests).toHaveLength(2)
  })

  it('IDT-05 a server that rotates its keys keeps its people logging in', async () => {
    const sandbox = await startSandbox()
    const clock = { now: Date.now() }
    const keys = new IssuerKeys({}, () => clock.now)
    const kidOf = async () => {
      const [header = ''] = (await sandbox.signIdToken({})).split('.')
      return JSON.parse(Buffer.from(header, 'base64url').toString()).kid as string
    }
    const before = await kidOf()
    await keys.get(`${sandbox.issuer}/jwks`, before)
    await sandbox.rotateSigningKeys()
    clock.now += 31_000
    const after = await kidOf()
    const { keys: published } = await keys.get(`${sandbox.issuer}/jwks`, after)
    expect(after).not.toBe(before)
    expect(published.map(({ kid }) => kid)).toEqual([after])
  })
})
