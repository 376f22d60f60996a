import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { loadKeySet } from '@fhir-auth/core'
import { describe, expect, test } from 'vitest'
import { run } from './support/run.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const read = (...path: string[]) => readFileSync(join(...path), 'utf8')
const kidsOf = (text: string): string[] => JSON.parse(text).keys.map(({ kid }: { kid: string }) => kid)
const modeOf = (...path: string[]) => (statSync(join(...path)).mode & 0o777).toString(8)

describe('a first key', () => {
  test.each(['ES384', 'RS384'])('%s: a private set for its owner alone, and the public set beside it', async (alg) => {
    const folder = join(temporaryFolder(), 'new', 'keys')
    const { code, stdout, stderr } = await run(['keygen', '--alg', alg, '--out', folder])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(readdirSync(folder).sort()).toEqual(['jwks.json', 'private.jwks.json'])
    expect([modeOf(folder, 'private.jwks.json'), modeOf(folder, 'jwks.json')]).toEqual(['600', '644'])

    const keys = await loadKeySet(read(folder, 'private.jwks.json'))
    expect(keys.signingKey()).toMatchObject({ alg })
    expect(JSON.parse(read(folder, 'jwks.json'))).toEqual(keys.publicJwks())
    expect(stdout).toContain(keys.signingKey().kid)
  })

  test('ES384 unless said otherwise; the kid is the thumbprint', async () => {
    const folder = temporaryFolder()
    const result = (await run(['keygen', '--out', folder, '--json'])).json()
    const { keys } = JSON.parse(read(folder, 'private.jwks.json'))
    const { kid: _kid, ...anonymous } = keys[0]
    expect(result).toMatchObject({
      command: 'keygen',
      ok: true,
      alg: 'ES384',
      publicJwks: JSON.parse(read(folder, 'jwks.json')),
    })
    expect(result.kid).toBe((await loadKeySet(anonymous)).signingKey().kid)
  })

  test('says what to host, to register and to give to the app, and shows no private member', async () => {
    const folder = temporaryFolder()
    const { stdout } = await run(['keygen', '--out', folder])
    for (const words of ['PRIVATE_JWKS', '/.well-known/jwks.json', 'Register that URL', 'fhir-auth jwks --check']) {
      expect(stdout).toContain(words)
    }
    expect(stdout).not.toContain(JSON.parse(read(folder, 'private.jwks.json')).keys[0].d)
  })

  test.each(['private.jwks.json', 'jwks.json'])(
    'is refused where there is a %s, and nothing is written',
    async (name) => {
      const folder = temporaryFolder()
      writeFileSync(join(folder, name), 'mine')
      const { code, stdout, stderr } = await run(['keygen', '--out', folder])
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toContain(`${name} is there already, and is not overwritten`)
      expect(readdirSync(folder)).toEqual([name])
      expect(read(folder, name)).toBe('mine')
    },
  )

  test('of two runs at once one writes, and the other is refused', async () => {
    const folder = temporaryFolder()
    const runs = await Promise.all([run(['keygen', '--out', folder]), run(['keygen', '--out', folder])])
    expect(runs.map(({ code }) => code).sort()).toEqual([0, 2])
    expect(kidsOf(read(folder, 'jwks.json'))).toEqual(kidsOf(read(folder, 'private.jwks.json')))
    expect(readdirSync(folder).sort()).toEqual(['jwks.json', 'private.jwks.json'])
  })

  test('a folder that cannot be made is no fault of the command', async () => {
    const file = join(temporaryFolder(), 'file')
    writeFileSync(file, '')
    const { code, stderr } = await run(['keygen', '--out', join(file, 'keys')])
    expect(code).toBe(2)
    expect(stderr).toContain('ENOTDIR')
    expect(stderr).not.toContain('fault of the command')
  })

  test('an algorithm that SMART does not require is refused', async () => {
    const { code, stderr } = await run(['keygen', '--alg', 'HS256'])
    expect(code).toBe(2)
    expect(stderr).toContain('Allowed choices are ES384, RS384')
  })
})

describe('--rotate', () => {
  const withKey = async (alg = 'ES384') => {
    const folder = temporaryFolder()
    await run(['keygen', '--out', folder, '--alg', alg])
    const file = join(folder, 'private.jwks.json')
    const [first] = kidsOf(read(file))
    return { folder, file, first: first ?? '' }
  }

  test('adds the next key behind the one that signs, and publishes both', async () => {
    const { folder, file, first } = await withKey()
    chmodSync(file, 0o644)
    const { code, stdout } = await run(['keygen', '--rotate', file])
    expect(code).toBe(0)
    const kids = kidsOf(read(file))
    expect(kids).toEqual([first, expect.not.stringMatching(first)])
    expect((await loadKeySet(read(file))).signingKey().kid).toBe(first)
    expect(kidsOf(read(folder, 'jwks.json'))).toEqual(kids)
    expect(modeOf(file)).toBe('600')
    expect(stdout).toContain('The first key signs.')
    const steps = ['1. Publish:', '2. Wait', `3. Move the key ${kids[1]}`, '4. Retire:']
    expect(steps.map((step) => stdout.indexOf(step))).toEqual(steps.map(() => expect.any(Number)))
    expect(steps.every((step) => stdout.includes(step))).toBe(true)
  })

  test('the next key is of the same algorithm, unless asked; then it says what that does', async () => {
    const { file } = await withKey('RS384')
    expect((await run(['keygen', '--rotate', file, '--json'])).json()).toMatchObject({ alg: 'RS384', warnings: [] })
    const { stdout } = await run(['keygen', '--rotate', file, '--alg', 'ES384'])
    expect(stdout).toMatch(/warn {2}The new key is ES384, the current one RS384/)
  })

  test('a file with one JWK becomes a set; other members stay', async () => {
    const { folder, file, first } = await withKey()
    const [jwk] = JSON.parse(read(file)).keys
    writeFileSync(file, JSON.stringify({ ...jwk, note: 'made in May' }))
    expect((await run(['keygen', '--rotate', file])).code).toBe(0)
    expect(JSON.parse(read(file)).keys[0]).toEqual({ ...jwk, note: 'made in May' })
    expect(kidsOf(read(folder, 'jwks.json'))[0]).toBe(first)
  })

  test('what a symbolic link points to is rotated, and the link stays', async () => {
    const { folder, file } = await withKey()
    const link = join(folder, 'current.json')
    symlinkSync(file, link)
    expect((await run(['keygen', '--rotate', link])).code).toBe(0)
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(kidsOf(read(file))).toHaveLength(2)
  })

  test('a public set of other keys is not overwritten, and nothing else is', async () => {
    const { folder, file } = await withKey()
    const other = await withKey()
    const foreign = read(other.folder, 'jwks.json')
    writeFileSync(join(folder, 'jwks.json'), foreign)
    const before = read(file)
    const { code, stderr } = await run(['keygen', '--rotate', file])
    expect(code).toBe(2)
    expect(stderr).toContain('holds other keys')
    expect([read(file), read(folder, 'jwks.json')]).toEqual([before, foreign])
  })

  test.each([
    ['a file that is not there', undefined, /There is no file/],
    ['a file without keys', '{"keys":[]}', /private\.jwks\.json: The key set is empty/],
    ['a file that is no JSON', 'key', /neither JSON nor PEM/],
  ])('%s is refused', async (_title, content, message) => {
    const folder = temporaryFolder()
    const file = join(folder, 'private.jwks.json')
    if (content !== undefined) writeFileSync(file, content)
    const { code, stderr } = await run(['keygen', '--rotate', file])
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
    expect(existsSync(join(folder, 'jwks.json'))).toBe(false)
  })

  test('a PEM file holds one key only', async () => {
    const { generateKeyPairSync } = await import('node:crypto')
    const file = join(temporaryFolder(), 'key.pem')
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    writeFileSync(file, pem)
    const { code, stderr } = await run(['keygen', '--rotate', file])
    expect(code).toBe(2)
    expect(stderr).toContain('is a PEM file, which holds one key')
    expect(read(file)).toBe(pem)
  })
})
