import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startSelfSignedServer } from '../../core/test/support/self-signed-server.ts'
import { checkHostedJwks } from '../src/hosted-jwks.ts'
import { findingCodes, run } from './support/run.ts'
import { serve, serveJson } from './support/server.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

type Jwk = Record<string, unknown>

const ec = (crv = 'P-384'): Jwk => ({
  ...generateKeyPairSync('ec', { namedCurve: crv }).publicKey.export({ format: 'jwk' }),
  kid: crv,
  alg: { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' }[crv],
  use: 'sig',
})
const rsa = (modulusLength: number): Jwk => ({
  ...generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' }),
  kid: `rsa-${modulusLength}`,
  alg: 'RS384',
  use: 'sig',
})
const without = (jwk: Jwk, ...names: string[]) =>
  Object.fromEntries(Object.entries(jwk).filter(([name]) => !names.includes(name)))
const check = async (url: string, ...more: string[]) => run(['jwks', ...more, '--check', url, '--json'])

async function keyFile(): Promise<{ file: string; publicJwks: { keys: Jwk[] } }> {
  const folder = temporaryFolder()
  await run(['keygen', '--out', folder])
  return {
    file: join(folder, 'private.jwks.json'),
    publicJwks: JSON.parse(readFileSync(join(folder, 'jwks.json'), 'utf8')),
  }
}

/** A private key like this one, with the same times. */
async function secondOf(jwk: Jwk | undefined): Promise<Jwk> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  return { ...privateKey.export({ format: 'jwk' }), alg: 'ES384', signFrom: jwk?.signFrom }
}

describe('jwks FILE', () => {
  test('prints the public set and nothing else, and beside it what the key does', async () => {
    const { file, publicJwks } = await keyFile()
    const { code, stdout, stderr } = await run(['jwks', file])
    expect({ code, stderr }).toEqual({ code: 0, stderr: `  ${publicJwks.keys[0]?.kid} ES384  active\n` })
    expect(JSON.parse(stdout)).toEqual(publicJwks)
    const json = await run(['jwks', file, '--json'])
    expect([json.json(), json.stderr]).toEqual([publicJwks, ''])
    expect(JSON.stringify(publicJwks)).not.toContain('"d"')
  })

  test('says of each key what it does, and until when', async () => {
    const { file, publicJwks } = await keyFile()
    const first = publicJwks.keys[0]?.kid
    // In the last ten minutes, since the beginning of 2020, and in the far future.
    const recently = `${new Date(Date.now() - 600_000).toISOString().slice(0, 19)}Z`
    const kids = [first]
    for (const time of ['2020-01-01', recently, '2999-01-01']) {
      kids.push((await run(['keygen', '--rotate', file, '--sign-from', time, '--json'])).json().kid as string)
    }
    const keys = JSON.parse(readFileSync(file, 'utf8')).keys as Jwk[]
    writeFileSync(file, JSON.stringify({ keys: [...keys, await secondOf(keys[2])] }))
    const { stdout, stderr } = await run(['jwks', file])
    expect(stderr.split('\n').map((line) => line.trim().replace(/\S+ (ES384 +)/, ''))).toEqual([
      'retired since 2020-01-01T00:00:00Z, no longer published: delete it',
      `retired since ${recently}, still published`,
      'active, signs until 2999-01-01T00:00:00Z',
      'next, signs from 2999-01-01T00:00:00Z',
      'next, behind the one that signs',
      '',
    ])
    expect(
      JSON.parse(stdout)
        .keys.map(({ kid }: Jwk) => kid)
        .slice(0, 3),
    ).toEqual(kids.slice(1))
  })

  test('warns, beside the result, of a file that others may read', async () => {
    const { file } = await keyFile()
    chmodSync(file, 0o644)
    const { code, stdout, stderr } = await run(['jwks', file])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toHaveProperty('keys')
    expect(stderr).toContain(`chmod 600 ${file}`)
  })

  test.each([
    ['a public set', (publicJwks: object) => JSON.stringify(publicJwks), /is a public key/],
    ['no key', () => '', /got no key/],
  ])('%s is refused in words that name the file', async (_title, content, message) => {
    const { publicJwks } = await keyFile()
    const file = join(temporaryFolder(), 'keys.json')
    writeFileSync(file, content(publicJwks))
    const { code, stdout, stderr } = await run(['jwks', file])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).toContain(file)
  })

  test('needs a file or a URL', async () => {
    const { code, stderr } = await run(['jwks'])
    expect(code).toBe(2)
    expect(stderr).toContain('Name a key file, or a URL with --check.')
  })
})

describe('jwks --check: a set that a server can use', () => {
  test('has no finding', async () => {
    const url = await serveJson({ keys: [ec(), rsa(2048), ec('P-256')] })
    const result = await check(`${url}/jwks.json`)
    expect(result.code).toBe(0)
    expect(result.json()).toEqual({
      command: 'jwks',
      ok: true,
      url: `${url}/jwks.json`,
      status: 200,
      contentType: 'application/json',
      cacheSeconds: 600,
      keys: [
        { kid: 'P-384', alg: 'ES384' },
        { kid: 'rsa-2048', alg: 'RS384' },
        { kid: 'P-256', alg: 'ES256' },
      ],
      findings: [],
    })
  })

  test('as text', async () => {
    const url = await serveJson({ keys: [ec()] })
    const { code, stdout } = await run(['jwks', '--check', url])
    expect(code).toBe(0)
    expect(stdout).toMatch(/key +P-384 ES384\n(?:.*\n)*ok {4}A server can use it\.\n$/)
  })

  test('is fetched once, by GET, without credentials', async () => {
    const seen: unknown[] = []
    const url = await serve((request, response) => {
      seen.push([request.method, request.headers.authorization, request.headers.cookie])
      response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'max-age=60' })
      response.end(JSON.stringify({ keys: [ec()] }))
    })
    await check(url)
    expect(seen).toEqual([['GET', undefined, undefined]])
  })

  test('with a file: its keys must be in the hosted set', async () => {
    const { file, publicJwks } = await keyFile()
    expect((await check(await serveJson(publicJwks), file)).json()).toMatchObject({ ok: true, findings: [] })
    const result = await check(await serveJson({ keys: [ec()] }), file)
    expect(result.code).toBe(1)
    expect(findingCodes(result.json())).toEqual(['key_not_published'])
  })
})

describe('jwks --check: what is wrong with the keys', () => {
  const good = ec()
  const cases: [title: string, document: unknown, codes: string[], exitCode: number][] = [
    ['a private member', { keys: [{ ...good, d: 'c2VjcmV0' }] }, ['private_member'], 1],
    ['two keys of one kid', { keys: [good, { ...ec(), kid: good.kid }] }, ['duplicate_kid'], 1],
    [
      'two keys of one kid and different types',
      { keys: [good, { ...rsa(2048), kid: good.kid }] },
      ['duplicate_kid'],
      1,
    ],
    ['no kid', { keys: [without(good, 'kid')] }, ['missing_kid'], 1],
    ['no alg', { keys: [without(good, 'alg')] }, ['missing_alg'], 0],
    ['no use', { keys: [without(good, 'use')] }, ['missing_use'], 0],
    ['another use', { keys: [{ ...good, use: 'enc' }] }, ['wrong_use'], 0],
    ['a symmetric key', { keys: [{ kty: 'oct', k: 'c2VjcmV0', kid: 'a', alg: 'HS256' }] }, ['symmetric_key'], 1],
    ['RSA 1024', { keys: [rsa(1024)] }, ['weak_rsa'], 1],
    ['alg of another curve', { keys: [{ ...good, alg: 'ES256' }] }, ['wrong_alg'], 1],
    ['alg of another type', { keys: [{ ...rsa(2048), alg: 'ES384' }] }, ['wrong_alg'], 1],
    ['no y', { keys: [without(good, 'y')] }, ['incomplete_key'], 1],
    ['only x5c', { keys: [{ kty: 'RSA', kid: 'a', alg: 'RS384', use: 'sig', x5c: [] }] }, ['incomplete_key'], 1],
    ['an unknown type', { keys: [{ ...good, kty: 'XX' }] }, ['unknown_key_type'], 1],
    ['a type of a name that objects have', { keys: [{ ...good, kty: 'constructor' }] }, ['unknown_key_type'], 1],
    ['an unknown curve', { keys: [{ ...good, crv: 'secp256k1' }] }, ['unknown_curve'], 1],
    ['a curve of a name that objects have', { keys: [{ ...good, crv: 'constructor' }] }, ['unknown_curve'], 1],
    ['no key', { keys: [] }, ['no_keys'], 1],
    ['no list', { jwks: [] }, ['not_jwks'], 1],
    ['one JWK, not a set', good, ['not_jwks'], 1],
    ['an entry that is no object', { keys: [good, 'key'] }, ['not_jwks'], 1],
    [
      'everything at once',
      { keys: [{ kty: 'EC', d: 'c2VjcmV0' }] },
      ['private_member', 'missing_kid', 'missing_alg', 'missing_use', 'incomplete_key'],
      1,
    ],
  ]

  test.each(cases)('%s', async (_title, document, codes, exitCode) => {
    const url = await serveJson(document)
    const result = await check(url)
    expect(findingCodes(result.json())).toEqual(codes)
    expect(result.code).toBe(exitCode)
    const { stdout } = await run(['jwks', '--check', url])
    for (const code of codes) expect(stdout).toContain(`(${code})`)
    // A secret that somebody published is not published again.
    expect(stdout + result.stdout).not.toContain('c2VjcmV0')
  })
})

describe('RFC 7518 §2, §6.3.1.1: members as other tools write them', () => {
  const key = rsa(2048)
  const [n, e] = [String(key.n), String(key.e)]
  const withZero = (text: string) =>
    Buffer.concat([Buffer.alloc(1), Buffer.from(text, 'base64url')]).toString('base64url')
  const standard = (text: string) => Buffer.from(text, 'base64url').toString('base64')

  test.each([
    ['a zero before n', { ...key, n: withZero(n) }, 'leading_zeros', 'n begins with a zero byte'],
    ['a zero before e', { ...key, e: withZero(e) }, 'leading_zeros', 'e begins with a zero byte'],
    ['standard base64 in n', { ...key, n: standard(n) }, 'standard_base64', 'n is standard base64'],
    ['padding in e', { ...key, e: standard(withZero(e)) }, 'standard_base64', 'e is standard base64'],
    ['white space in n', { ...key, n: `${n} ` }, 'standard_base64', 'n is standard base64'],
  ])('%s', async (_title, changed, code, words) => {
    const url = await serveJson({ keys: [changed] })
    const result = await run(['jwks', '--check', url, '--json'])
    expect(findingCodes(result.json())).toEqual([code])
    // What is no base64url is no key; zeros are taken by most.
    expect(result.code).toBe(code === 'standard_base64' ? 1 : 0)
    const [finding] = result.json().findings as [{ what: string; meaning: string }]
    expect(finding.what).toContain(words)
    expect(finding.meaning).toContain('fhir-auth jwks FILE')
  })

  test('padding in a coordinate of an EC key', async () => {
    const curve = ec()
    const { json } = await run([
      'jwks',
      '--check',
      await serveJson({ keys: [{ ...curve, x: `${curve.x}=` }] }),
      '--json',
    ])
    expect(findingCodes(json())).toEqual(['standard_base64'])
  })

  test('what the finding names mends it: jwks FILE prints them as they should be', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const own = privateKey.export({ format: 'jwk' })
    const file = join(temporaryFolder(), 'private.jwks.json')
    writeFileSync(
      file,
      JSON.stringify({
        keys: [{ ...own, n: standard(withZero(String(own.n))), e: withZero(String(own.e)), alg: 'RS384' }],
      }),
    )
    const printed = JSON.parse((await run(['jwks', file])).stdout)
    expect(printed.keys[0]).toMatchObject({ n: own.n, e: own.e })
    expect((await run(['jwks', '--check', await serveJson(printed)])).code).toBe(0)
  })
})

describe('jwks --check: what is wrong with the hosting', () => {
  const document = JSON.stringify({ keys: [ec()] })
  const answering = (status: number, headers: Record<string, string> = {}, body = document) =>
    serve((_request, response) => response.writeHead(status, headers).end(body))

  test('a redirect is not followed; it says where the keys are', async () => {
    const target = await serveJson({ keys: [ec()] })
    const result = await check(await answering(302, { location: `${target}/jwks.json?key=hidden` }))
    expect(result.code).toBe(1)
    expect(result.json()).toMatchObject({ status: 302, keys: [] })
    expect(result.json().findings).toEqual([
      expect.objectContaining({ code: 'redirect', meaning: expect.stringContaining(`${target}/jwks.json: register`) }),
    ])
    expect(result.stdout).not.toContain('hidden')
  })

  test.each([
    [401, /open to everyone/],
    [403, /a firewall must let them through/],
    [404, /cannot get your keys/],
    [500, /cannot get your keys/],
  ])('status %i', async (status, meaning) => {
    const result = await check(await answering(status))
    expect(result.code).toBe(1)
    expect(result.json().findings).toEqual([
      {
        code: 'status',
        level: 'error',
        what: `The URL answered ${status}, not 200.`,
        meaning: expect.stringMatching(meaning),
      },
    ])
  })

  test('a page in place of JSON', async () => {
    const result = await check(await answering(200, { 'content-type': 'text/html' }, '<h1>Log in</h1>'))
    expect(result.code).toBe(1)
    expect(findingCodes(result.json())).toEqual(['not_json'])
  })

  test.each([
    ['another content type', { 'content-type': 'text/plain' }, ['content_type']],
    ['no content type', { 'content-type': '' }, ['content_type']],
    ['the type of a JWK Set', { 'content-type': 'application/jwk-set+json; charset=utf-8' }, []],
    ['no cache time', { 'cache-control': '' }, ['cache_missing']],
    ['a cache header without a time', { 'cache-control': 'public' }, ['cache_missing']],
    ['no caching', { 'cache-control': 'no-store' }, ['cache_none']],
    ['max-age=0', { 'cache-control': 'max-age=0' }, ['cache_none']],
    ['a week', { 'cache-control': 'max-age=604800' }, ['cache_too_long']],
    ['a day', { 'cache-control': 'max-age=86400' }, []],
  ])('%s is a warning at most', async (_title, headers, codes) => {
    const result = await check(await serveJson({ keys: [ec()] }, headers))
    expect(findingCodes(result.json())).toEqual(codes)
    expect(result.code).toBe(0)
  })

  test('plain http to another machine: nothing is sent', async () => {
    const result = await check('http://jobs.example.com/jwks.json')
    expect(result.code).toBe(1)
    expect(findingCodes(result.json())).toEqual(['insecure_url'])
  })

  test('a certificate that nobody signed', async () => {
    const { origin, requests } = await startSelfSignedServer(() => ({ '/jwks.json': { keys: [ec()] } }))
    const result = await check(`${origin}/jwks.json`)
    expect(result.code).toBe(1)
    expect(result.json().findings).toEqual([
      expect.objectContaining({ code: 'tls', meaning: expect.stringContaining('signed by itself') }),
    ])
    expect(requests).toEqual([])
  })

  test('https at a port that speaks http', async () => {
    const url = (await answering(200)).replace('http:', 'https:')
    expect(findingCodes((await check(url)).json())).toEqual(['tls'])
  })

  test('nothing listens', async () => {
    const { createServer } = await import('node:net')
    const server = createServer()
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
    })
    await new Promise((resolve) => server.close(resolve))
    expect(findingCodes((await check(`http://127.0.0.1:${port}`)).json())).toEqual(['refused'])
  })

  test('the connection is cut', async () => {
    const url = await serve((request) => request.socket.destroy())
    expect(findingCodes((await check(url)).json())).toEqual(['reset'])
  })

  test.each([
    ['no answer', () => {}],
    ['an answer that stops half-way', (response: ServerResponse) => void response.writeHead(200).write('{"keys":')],
  ])('%s within the time limit', async (_title, answer) => {
    const url = await serve((_request, response) => answer(response))
    const { ok, findings } = await checkHostedJwks(url, undefined, 0.3)
    expect(ok).toBe(false)
    expect(findings).toEqual([
      expect.objectContaining({
        code: 'timeout',
        what: expect.stringContaining('did not answer within 0.3 s'),
        meaning: expect.stringContaining('firewall'),
      }),
    ])
  })

  test('a body without an end', async () => {
    const url = await serve((_request, response) => {
      const more = () => response.write('x'.repeat(65_536), () => response.destroyed || setImmediate(more))
      more()
    })
    expect(findingCodes((await check(url)).json())).toEqual(['too_large'])
  })

  test('a name that does not exist', async () => {
    const result = await check('https://nowhere.invalid/jwks.json')
    expect(['dns', 'unreachable']).toContain(findingCodes(result.json())[0])
    expect(result.code).toBe(1)
  })

  test('control characters of a server do not reach the screen', async () => {
    const url = await serveJson({ keys: [{ ...ec(), kid: 'a\u001b[2J\u009b31m' }] })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect((await run(['jwks', '--check', url])).stdout).not.toMatch(/[\u001b\u009b]/)
  })
})
