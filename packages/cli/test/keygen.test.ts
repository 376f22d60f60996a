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
  test.each(['ES384', 'RS384', 'RS256'])(
    '%s: a private set for its owner alone, and the public set beside it',
    async (alg) => {
      const folder = join(temporaryFolder(), 'new', 'keys')
      const { code, stdout, stderr } = await run(['keygen', '--alg', alg, '--out', folder])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(readdirSync(folder).sort()).toEqual(['jwks.json', 'private.jwks.json'])
      expect([modeOf(folder, 'private.jwks.json'), modeOf(folder, 'jwks.json')]).toEqual(['600', '644'])

      const keys = await loadKeySet(read(folder, 'private.jwks.json'))
      expect(keys.signingKey()).toMatchObject({ alg })
      expect(JSON.parse(read(folder, 'jwks.json'))).toEqual(keys.publicJwks())
      expect(stdout).toContain(keys.signingKey().kid)
    },
  )

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

  test('SMART App Launch 2.2 “Signing”: RS256 is for servers that take nothing else, and the command warns', async () => {
    const folder = temporaryFolder()
    const made = await run(['keygen', '--alg', 'RS256', '--out', folder])
    expect(made.code).toBe(0)
    expect(made.stdout).toContain('warn  SMART asks for RS384 or ES384')
    expect(made.stdout).toContain('fhir-auth discover URL')
    const rotated = (await run(['keygen', '--rotate', join(folder, 'private.jwks.json'), '--json'])).json()
    expect(rotated.alg).toBe('RS256')
    expect(rotated.warnings).toEqual([expect.stringContaining('SMART asks for RS384 or ES384')])
    const good = (await run(['keygen', '--alg', 'RS384', '--out', temporaryFolder(), '--json'])).json()
    expect(good.warnings).toEqual([])
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

  test('adds the next key with the time from which it signs, and publishes both', async () => {
    const { folder, file, first } = await withKey()
    chmodSync(file, 0o644)
    const { code, stdout } = await run(['keygen', '--rotate', file])
    expect(code).toBe(0)
    const kids = kidsOf(read(file))
    expect(kids).toEqual([first, expect.not.stringMatching(first)])
    expect(kidsOf(read(folder, 'jwks.json'))).toEqual(kids)
    expect(read(folder, 'jwks.json')).not.toContain('signFrom')
    expect(modeOf(file)).toBe('600')
    const { signFrom } = JSON.parse(read(file)).keys[1]
    expect(stdout).toMatch(/^ok {4}The next key\. /)
    expect(stdout).toContain(`signs from  ${signFrom}`)
    const steps = [
      /1\. Before \S+Z: give /,
      new RegExp(`2\\. That is all.* from ${signFrom} on`),
      /3\. From \S+Z on nothing/,
    ]
    for (const step of steps) expect(stdout).toMatch(step)
  })

  test('by itself: nothing changes before that time, and from the date that it tells nothing needs the old key', async () => {
    const { file, first } = await withKey()
    const before = Date.now()
    const { kid, signFrom, retires } = (await run(['keygen', '--rotate', file, '--json'])).json()
    const keys = await loadKeySet(read(file))
    const start = Date.parse(String(signFrom))
    // A day for the deployment, and the ten minutes for which servers keep a set.
    expect(start - before).toBeGreaterThanOrEqual((24 * 60 + 10) * 60_000)
    expect(start - before).toBeLessThan((24 * 60 + 20) * 60_000)
    expect([start - 1, start].map((time) => keys.signingKey(undefined, time).kid)).toEqual([first, kid])
    const [{ removeFrom }] = retires as [{ removeFrom: string }]
    expect(retires).toEqual([{ kid: first, removeFrom }])
    const published = (time: number) => keys.publicJwks(time).keys.map((key) => key.kid)
    const end = Date.parse(removeFrom)
    expect([published(end - 1), published(end)]).toEqual([[first, kid], [kid]])
  })

  test('--sign-from chooses the time', async () => {
    const { file } = await withKey()
    const result = (
      await run(['keygen', '--rotate', file, '--sign-from', '2999-01-01T06:00:00+02:00', '--json'])
    ).json()
    expect(result).toMatchObject({ signFrom: '2999-01-01T06:00:00+02:00', warnings: [] })
    expect((await loadKeySet(read(file))).states()[1]).toMatchObject({
      state: 'next',
      signFrom: Date.UTC(2999, 0, 1, 4),
    })
  })

  test('--sign-from before servers know the key is a warning', async () => {
    const { file, first } = await withKey()
    const signFrom = new Date(Date.now() - 60_000).toISOString()
    const result = (await run(['keygen', '--rotate', file, '--sign-from', signFrom, '--json'])).json()
    expect(result.warnings).toEqual([expect.stringContaining('Servers may keep the old set for 600 s')])
    expect(result.nextSteps).toEqual(expect.arrayContaining([expect.stringMatching(/^Now: give /)]))
    expect(result.retires).toEqual([expect.objectContaining({ kid: first })])
  })

  test('a second next key is a warning', async () => {
    const { file } = await withKey()
    const { kid } = (await run(['keygen', '--rotate', file, '--json'])).json()
    const { stdout } = await run(['keygen', '--rotate', file])
    expect(stdout).toContain(`warn  The key ${kid} is next already, and signs from `)
  })

  test.each([
    ['a time without a zone', ['--sign-from', '2999-01-01T06:00'], /--sign-from 2999-01-01T06:00 is no time/],
    ['words', ['--sign-from', 'tomorrow'], /--sign-from tomorrow is no time/],
  ])('%s is refused, and nothing is written', async (_title, args, message) => {
    const { folder, file } = await withKey()
    const before = [read(file), read(folder, 'jwks.json')]
    const { code, stderr } = await run(['keygen', '--rotate', file, ...args])
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
    expect([read(file), read(folder, 'jwks.json')]).toEqual(before)
  })

  test('a time at which another key has taken over is refused', async () => {
    const { file } = await withKey()
    await run(['keygen', '--rotate', file, '--sign-from', '2020-02-01'])
    const before = read(file)
    const { code, stderr } = await run(['keygen', '--rotate', file, '--sign-from', '2020-01-01'])
    expect(code).toBe(2)
    expect(stderr).toContain('would never sign')
    expect(read(file)).toBe(before)
  })

  test('--sign-from alone is refused: a first key signs at once', async () => {
    const { code, stderr } = await run(['keygen', '--out', temporaryFolder(), '--sign-from', '2999-01-01'])
    expect(code).toBe(2)
    expect(stderr).toContain('--rotate FILE')
  })

  test('the public set may still have a key whose time is over', async () => {
    const { folder, file, first } = await withKey()
    await run(['keygen', '--rotate', file, '--sign-from', '2020-02-01'])
    expect(kidsOf(read(folder, 'jwks.json'))).not.toContain(first)
    const set = JSON.parse(read(folder, 'jwks.json'))
    const old = (await loadKeySet(JSON.parse(read(file)).keys[0])).publicJwks().keys
    writeFileSync(join(folder, 'jwks.json'), JSON.stringify({ keys: [...old, ...set.keys] }))
    expect((await run(['keygen', '--rotate', file])).code).toBe(0)
    expect(kidsOf(read(folder, 'jwks.json'))).toHaveLength(2)
  })

  test('the next key is of the same algorithm, unless asked; then it says what that does', async () => {
    const { file } = await withKey('RS384')
    expect((await run(['keygen', '--rotate', file, '--json'])).json()).toMatchObject({ alg: 'RS384', warnings: [] })
    const { stdout } = await run(['keygen', '--rotate', file, '--alg', 'ES384'])
    expect(stdout).toMatch(/warn {2}The new key is ES384, the current one RS384: it is not retired/)
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
