import { execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exitCodes, main } from '../src/index.ts'
import { startBackend } from './support/backend.ts'
import { ended, type InstalledCommand, installCommand } from './support/installed-command.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { findTerminal } from './support/terminal.ts'

let command: InstalledCommand
beforeAll(() => {
  command = installCommand()
})
afterAll(() => command.remove())

const ESCAPE = '\u001b'

describe('the help', () => {
  const OPTIONS: Record<string, string[]> = {
    keygen: ['--alg', '--out', '--rotate', '--sign-from', '--json'],
    jwks: ['--check', '--json'],
    discover: ['--issuer', '--dialect', '--json'],
    token: [
      '--fhir-base-url',
      '--client-id',
      '--private-jwks',
      '--scope',
      '--dialect',
      '--jwks-url',
      '--issuer',
      '--token-endpoint',
      '--config',
      '--reveal',
      '--json',
    ],
    doctor: [
      '--fhir-base-url',
      '--client-id',
      '--private-jwks',
      '--scope',
      '--dialect',
      '--jwks-url',
      '--issuer',
      '--token-endpoint',
      '--redirect-uri',
      '--config',
      '--with',
      '--json',
    ],
    sandbox: [
      '--mode',
      '--host',
      '--fhir-port',
      '--auth-port',
      '--consent',
      '--client',
      '--secret',
      '--jwks-url',
      '--redirect-uri',
      '--scope',
      '--json',
    ],
  }

  test('lists every command and every exit code, with an example', async () => {
    const { code, stdout, stderr } = await command.run(['--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const name of Object.keys(OPTIONS)) expect(stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'))
    expect([...stdout.matchAll(/^ {2}(\d+) +/gm)].map(([, exitCode]) => exitCode)).toEqual(['0', '1', '2', '70'])
    expect(stdout).toContain('Example:\n  fhir-auth doctor')
  })

  test.each(Object.entries(OPTIONS))('of %s: its options, and one example', async (name, options) => {
    const { code, stdout } = await command.run([name, '--help'])
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`^Usage: fhir-auth ${name}`))
    const listed = [...(stdout.split('Example:')[0] ?? '').matchAll(/^ +(?:-h, )?(--[a-z-]+)/gm)].map(
      ([, option]) => option,
    )
    expect(listed).toEqual([...options, '--help'])
    expect(stdout.match(/Example:/g)).toHaveLength(1)
    expect(stdout).toMatch(new RegExp(`Example:\\s.*fhir-auth ${name}`))
  })

  test('no command, or one that does not exist, is wrong usage', async () => {
    const none = await command.run([])
    expect(none).toMatchObject({ code: 2, stdout: '' })
    expect(none.stderr).toContain('Usage: fhir-auth')
    expect(await command.run(['other'])).toEqual({
      code: 2,
      stdout: '',
      stderr: "error unknown command 'other'\nfhir-auth help shows what there is.\n",
    })
    expect(JSON.parse((await command.run(['keygen', '--other', '--json'])).stdout)).toMatchObject({
      ok: false,
      error: { code: 'usage', message: "unknown option '--other'" },
    })
  })

  test('the README names every option and exit code', async () => {
    const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
    const { sandbox: _own, ...commands } = OPTIONS
    const options = new Set(Object.values(commands).flat())
    expect([...options].filter((option) => !readme.includes(option))).toEqual([])
    for (const exitCode of Object.values(exitCodes)) expect(readme).toMatch(new RegExp(`^\\| ${exitCode} \\|`, 'm'))
  })

  test('--version is that of the package', async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'))
    expect(await command.run(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })
})

test('a fault of the command itself is told from everything else by its exit code', async () => {
  let stderr = ''
  const broken = () => {
    throw new Error('broken')
  }
  const output = { write: (text: string) => (stderr += text) }
  expect(await main(['--version'], { stdout: { write: broken }, stderr: output, env: {} })).toBe(exitCodes.fault)
  expect(stderr).toBe('error broken. This is a fault of the command.\n')
})

describe('through a pipe', () => {
  test('from a first key to a read: no colour, no spinner, no secret', async () => {
    const cwd = temporaryFolder()
    expect((await command.run(['keygen', '--out', 'keys'], { cwd })).code).toBe(0)
    const set = await command.run(['jwks', 'keys/private.jwks.json'], { cwd })
    expect(JSON.parse(set.stdout)).toEqual(JSON.parse(readFileSync(join(cwd, 'keys/jwks.json'), 'utf8')))

    const { env, sandbox, jwksUrl, privateMembers } = await startBackend()
    const outputs = [
      await command.run(['jwks', '--check', jwksUrl]),
      await command.run(['discover', sandbox.fhirBaseUrl]),
      await command.run(['token'], { env }),
      await command.run(['doctor', '--jwks-url', jwksUrl], { env: { ...env, FORCE_COLOR: '1' } }),
      await command.run(['doctor', '--json'], { env }),
    ]
    for (const { code, stdout, stderr } of outputs) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      for (const hidden of [ESCAPE, ...privateMembers]) expect(stdout).not.toContain(hidden)
    }
  })

  test('a reader that goes away early is no fault', async () => {
    const child = spawn(process.execPath, [command.script, 'token', '--help'])
    child.stdout.destroy()
    expect(await ended(child)).toMatchObject({ code: 0, stderr: '' })
  })
})

describe('sandbox', () => {
  test('starts, says where it is, and ends with an interrupt', async () => {
    const child = spawn(process.execPath, [
      ...[command.script, 'sandbox', '--fhir-port', '0'],
      ...['--client', 'portal', '--secret', 'hidden-secret', '--json'],
    ])
    const line = await new Promise<string>((resolve) => child.stdout.once('data', (chunk) => resolve(String(chunk))))
    const { fhirBaseUrl, clients } = JSON.parse(line)
    expect(clients).toEqual(['portal'])
    expect(line).not.toContain('hidden-secret')
    expect((await command.run(['discover', fhirBaseUrl])).code).toBe(0)
    child.kill('SIGINT')
    expect(await ended(child)).toMatchObject({ code: 0, stderr: '' })
    await expect(fetch(`${fhirBaseUrl}/metadata`)).rejects.toThrow()
  })

  test('an option that it does not know', async () => {
    const { code, stdout } = await command.run(['sandbox', '--mode', 'other'])
    expect(code).toBe(2)
    expect(stdout).toContain('--mode other: use smart or intelichart')
  })
})

const terminal = findTerminal()

describe.skipIf(terminal === undefined)('on a terminal (needs the command script, or python3)', () => {
  const onTerminal = (args: string[], env: NodeJS.ProcessEnv) => {
    const [file = '', ...rest] = terminal?.([process.execPath, command.script, ...args]) ?? []
    const child = spawn(file, rest, { env: { PATH: process.env.PATH, TERM: 'xterm-256color', ...env } })
    return ended(child)
  }

  test('colours by meaning, a spinner on slow steps, and the same exit codes', async () => {
    const { configure, sandbox } = await startBackend()
    const good = await onTerminal(['doctor', '--config', configure()], {})
    expect(good.code).toBe(0)
    expect(good.stdout).toContain(`${ESCAPE}[32mok  ${ESCAPE}[39m  Token:`)
    expect(good.stdout).toContain(`${ESCAPE}[33mwarn${ESCAPE}[39m  Hosted JWKS:`)
    // Drawn, and wiped before the result stands there.
    for (const title of ['Hosted JWKS', 'Discovery', 'Token', 'FHIR read'])
      expect(good.stdout).toContain(`| ${title} …`)
    expect(screenOf(good.stdout)).not.toContain('…')

    sandbox.fault({ at: 'token', kind: 'status', status: 500 })
    const bad = await onTerminal(['doctor', '--config', configure()], {})
    expect(bad.code).toBe(1)
    expect(bad.stdout).toContain(`${ESCAPE}[31mFAIL${ESCAPE}[39m  Token:`)
  })

  test('NO_COLOR: no colours; an empty one means nothing', async () => {
    const { configure } = await startBackend()
    // Only the spinner's wiping is left.
    const plain = await onTerminal(['doctor', '--config', configure()], { NO_COLOR: '1' })
    expect(plain.code).toBe(0)
    expect(plain.stdout.replaceAll(`${ESCAPE}[2K`, '')).not.toContain(ESCAPE)
    expect(plain.stdout).toContain('ok    Token:')
    const coloured = await onTerminal(['doctor', '--config', configure()], { NO_COLOR: '' })
    expect(coloured.stdout).toContain(`${ESCAPE}[32m`)
  })

  test('a dumb terminal gets plain text', async () => {
    const { configure } = await startBackend()
    const { code, stdout } = await onTerminal(['doctor', '--config', configure()], { TERM: 'dumb' })
    expect(code).toBe(0)
    expect(stdout).not.toContain(ESCAPE)
  })

  test('--json is JSON and nothing else', async () => {
    const { env } = await startBackend()
    const { code, stdout } = await onTerminal(['token', '--json'], env)
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ command: 'token', ok: true })
  })

  test('an error is red', async () => {
    const { code, stdout } = await onTerminal(['token'], {})
    expect(code).toBe(2)
    expect(stdout).toContain(`${ESCAPE}[31merror${ESCAPE}[39m There is no fhirBaseUrl.`)
  })
})

/** What stands on the screen in the end, as far as these outputs go: a wiped line is gone. */
function screenOf(output: string): string {
  return output
    .split('\n')
    .map((line) => line.slice(line.lastIndexOf(`${ESCAPE}[2K`) + 1))
    .join('\n')
}

test.skipIf(process.platform === 'win32')('the script may be run as it is', () => {
  expect(execFileSync(command.script, ['--version'], { encoding: 'utf8' })).toMatch(/^\d+\.\d+\.\d+\n$/)
})
