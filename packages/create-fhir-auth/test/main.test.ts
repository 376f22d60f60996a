import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { main, type Prompts } from '../src/index.ts'

let parent: string
let folder: string
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'create-fhir-auth-'))
  folder = join(parent, 'app')
})
afterEach(() => rmSync(parent, { recursive: true, force: true }))

/** Runs the command where nobody can be asked, unless there are prompts. */
async function run(args: string[], prompts: Prompts | null = null) {
  const written = { stdout: '', stderr: '' }
  const code = await main(args, {
    prompts,
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
  })
  return { code, ...written }
}

const read = (path: string) => readFileSync(join(folder, path), 'utf8')

describe('by flags alone', () => {
  it('writes what the flags say, and tells what to do next', async () => {
    const flags = ['--framework', 'fastify', '--vendor', 'oracle-health', '--kind=backend', '--store', 'redis']
    const { code, stdout, stderr } = await run([folder, ...flags, '--name', 'night-job'])
    expect([code, stderr]).toEqual([0, ''])
    expect(JSON.parse(read('package.json'))).toMatchObject({
      name: 'night-job',
      dependencies: { '@fhir-auth/fastify': expect.any(String), '@fhir-auth/redis': expect.any(String) },
    })
    expect(read('src/backend.ts')).toContain('dialect: oracleHealth(),')
    expect(existsSync(join(folder, 'src/launch.ts'))).toBe(false)
    expect(stdout).toContain(`cd ${folder}\n  npm install\n  npm run dev\n`)
  })

  it('takes the first of each with --yes', async () => {
    expect((await run([folder, '--yes'])).code).toBe(0)
    expect(read('package.json')).toContain('@fhir-auth/express')
    expect(read('src/launch.ts')).toContain('dialect: intelichart(),')
  })

  it('says which flags are missing where nobody can be asked', async () => {
    const { code, stderr } = await run([folder, '--framework', 'hono', '--kind', 'login'])
    expect(code).toBe(2)
    expect(stderr).toContain('--vendor intelichart | epic | oracle-health | athenahealth | meditech | smart')
    expect(stderr).toContain('--store memory | redis | postgres')
    expect(stderr).not.toContain('--framework')
    expect(existsSync(folder)).toBe(false)
  })

  it.each([
    [['--vendor', 'cerner'], '--vendor cerner is not known. Write one of: intelichart, epic, oracle-health,'],
    [['--framework', 'toString'], '--framework toString is not known. Write one of: express, fastify, nest, hono.'],
    [
      ['--database', 'x'],
      "Unknown option '--database'. The flags are: --framework, --vendor, --kind, --store, --name,",
    ],
    [['--store'], "Option '--store <value>' argument missing. The flags are:"],
    [['--name', 'My App'], '--name: "My App" is no name for a package.'],
    [['other'], 'One folder is enough, but there are 2:'],
  ])('%s is refused, with what may be written', async (args, message) => {
    const { code, stderr } = await run([folder, '--yes', ...args])
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
    expect(existsSync(folder)).toBe(false)
  })

  it('no arguments break it: it helps, or says what is wrong', async () => {
    const words = fc.constantFrom(
      '--yes',
      '--kind',
      '--store=redis',
      '--name',
      'both',
      '',
      '-',
      '--',
      '-x',
      '--kind=',
      'é',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(words, fc.string())), async (args) => {
        const { code } = await run(['--help', ...args])
        expect([0, 2]).toContain(code)
      }),
    )
  })

  it('prints its help and its version', async () => {
    expect((await run(['--help'])).stdout).toMatch(/^Usage: create-fhir-auth \[folder\]/)
    expect((await run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+/)
  })
})

describe('the folder', () => {
  it('may be one that git has just made', async () => {
    mkdirSync(join(folder, '.git'), { recursive: true })
    expect((await run([folder, '--yes'])).code).toBe(0)
  })

  it('is refused when it holds something, before anything is asked', async () => {
    mkdirSync(folder)
    writeFileSync(join(folder, 'notes.txt'), 'mine')
    const { code, stderr } = await run([folder], refusingPrompts)
    expect([code, stderr]).toEqual([2, `${folder} is not empty: it holds notes.txt. Name a new or an empty folder.\n`])
  })

  it('is refused when it is a file', async () => {
    writeFileSync(folder, 'mine')
    expect(await run([folder, '--yes'])).toMatchObject({ code: 2, stderr: expect.stringContaining('is a file') })
    expect(readFileSync(folder, 'utf8')).toBe('mine')
  })

  it('gives the app its name', async () => {
    folder = join(parent, '_Our Portal!')
    expect((await run([folder, '--yes'])).code).toBe(0)
    expect(JSON.parse(read('package.json')).name).toBe('our-portal-')
  })
})

const refusingPrompts: Prompts = {
  choose: () => Promise.reject(new Error('asked')),
  write: () => Promise.reject(new Error('asked')),
}

describe('by questions', () => {
  it('asks only for what no flag says', async () => {
    const asked: string[] = []
    const prompts: Prompts = {
      choose: async (message, titles) => {
        asked.push(message)
        return Object.keys(titles).at(-1)
      },
      write: async (message, initial) => {
        asked.push(message)
        return initial
      },
    }
    expect((await run([folder, '--framework', 'nest', '--kind', 'login'], prompts)).code).toBe(0)
    expect(asked).toEqual(['What is its name?', 'Whose EHR?', 'Where are sessions kept?'])
    expect(read('src/launch.ts')).toContain('dialect: smart(),')
    expect(existsSync(join(folder, 'src/postgres-store.ts'))).toBe(true)
  })

  it('writes nothing when the person gives up', async () => {
    const prompts: Prompts = { choose: async () => undefined, write: async (_message, initial) => initial }
    expect(await run([folder], prompts)).toMatchObject({ code: 1, stderr: 'Nothing was written.\n' })
    expect(existsSync(folder)).toBe(false)
  })
})
