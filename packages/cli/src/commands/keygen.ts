import { mkdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { PublicJwk } from '@fhir-auth/core'
import { type Command, Option } from 'commander'
import { type CommandContext, type JsonOption, progressOf, show } from '../command-context.ts'
import type { CommandResult } from '../finding.ts'
import {
  algorithmWarnings,
  GENERATED_ALGORITHMS,
  type GeneratedAlgorithm,
  generatePrivateKey,
  loadKeyText,
  readTextFile,
} from '../key-file.ts'
import { datedKeys } from '../key-states.ts'
import { renderTable, type Style } from '../output.ts'
import { type RetiredKey, retiredBy, rotationSteps, rotationWarnings, signFromOf, withNextKey } from '../rotation.ts'
import { UsageError } from '../usage-error.ts'
import { PRIVATE_MODE, PUBLIC_MODE, refuseExisting, writeWholeFile } from '../write-file.ts'

interface KeygenOptions extends JsonOption {
  alg?: GeneratedAlgorithm | undefined
  out?: string | undefined
  rotate?: string | undefined
  signFrom?: string | undefined
}

export interface KeygenResult extends CommandResult {
  readonly kid: string
  readonly alg: string
  /** When a key that was added to others begins to sign. */
  readonly signFrom?: string
  /** Those that it retires then. */
  readonly retires?: readonly RetiredKey[]
  readonly files: { readonly private: string; readonly public: string }
  /** What to host and to register. */
  readonly publicJwks: { readonly keys: readonly PublicJwk[] }
  readonly nextSteps: readonly string[]
  readonly warnings: readonly string[]
}

const PRIVATE_NAME = 'private.jwks.json'
const PUBLIC_NAME = 'jwks.json'

/** Makes a key: alone, or the next one of a file. */
async function keygen(options: KeygenOptions): Promise<KeygenResult> {
  if (options.rotate !== undefined) return nextKey(options.rotate, options)
  if (options.signFrom !== undefined) throw new UsageError('--sign-from is for the next key of a file: --rotate FILE.')
  return firstKey(options)
}

async function firstKey({ alg = 'ES384', out = '.' }: KeygenOptions): Promise<KeygenResult> {
  await mkdir(out, { recursive: true })
  const files = { private: join(out, PRIVATE_NAME), public: join(out, PUBLIC_NAME) }
  for (const file of [files.private, files.public]) await refuseExisting(file)
  const key = await generatePrivateKey(alg)
  const text = json({ keys: [key] })
  const publicJwks = (await loadKeyText(text, files.private)).publicJwks()
  await writeWholeFile(files.private, text, { mode: PRIVATE_MODE })
  await writeWholeFile(files.public, json(publicJwks), { mode: PUBLIC_MODE })
  return {
    ok: true,
    kid: key.kid,
    alg,
    files,
    publicJwks,
    nextSteps: [
      `Give the content of ${files.private} to the app, as PRIVATE_JWKS. Keep it out of version control, images and logs.`,
      'Host the public set at an https URL, without a login and without a redirect. backendServices() serves it at /.well-known/jwks.json.',
      'Register that URL, to the letter, with the EHR: Epic calls it "JWK Set URL", InteliChart "JWKS URL" (it is also the claim jwks_url), Oracle Health takes it for a system account, others call it "jwks_uri".',
      'Check it: fhir-auth jwks --check URL',
    ],
    warnings: algorithmWarnings(alg),
  }
}

async function nextKey(path: string, options: KeygenOptions): Promise<KeygenResult> {
  const { out = dirname(path) } = options
  const files = { private: path, public: join(out, PUBLIC_NAME) }
  const now = Date.now()
  const current = await readTextFile(path)
  const currentKeys = await loadKeyText(current, path)
  const before = { signing: currentKeys.signingKey(undefined, now), keys: datedKeys(currentKeys, now) }
  const alg = options.alg ?? GENERATED_ALGORITHMS.find((known) => known === before.signing.alg) ?? 'ES384'
  await refuseForeignSet(files.public, new Set(before.keys.map(({ kid }) => kid)))
  const made = await generatePrivateKey(alg)
  const signFrom = await signFromOf(options.signFrom, made, now)
  const key = { ...made, signFrom }
  const text = json(withNextKey(current, key, path))
  const keys = await loadKeyText(text, path)
  const after = datedKeys(keys, now)
  if (after.some(({ kid, state }) => kid === key.kid && state === 'retired')) {
    throw new UsageError(`With --sign-from ${signFrom} the new key would never sign: another one began after that.`)
  }
  const publicJwks = keys.publicJwks(now)
  await mkdir(out, { recursive: true })
  await writeWholeFile(path, text, { mode: PRIVATE_MODE, replace: true })
  await writeWholeFile(files.public, json(publicJwks), { mode: PUBLIC_MODE, replace: true })
  const start = Date.parse(signFrom)
  const retires = retiredBy(start, after)
  return {
    ok: true,
    kid: key.kid,
    alg,
    signFrom,
    retires,
    files,
    publicJwks,
    nextSteps: rotationSteps(files, start, retires, now),
    warnings: [...algorithmWarnings(alg), ...rotationWarnings(start, key, before, now)],
  }
}

/** A public set of other keys beside the file must not be lost. */
async function refuseForeignSet(path: string, ownKids: ReadonlySet<string>): Promise<void> {
  const text = await readTextFile(path).catch((error: unknown) => {
    if (error instanceof UsageError) return undefined
    throw error
  })
  if (text === undefined) return
  if (!isSetOf(text, ownKids)) {
    throw new UsageError(
      `${path} holds other keys than the file to rotate, so it is not overwritten. Name another folder with --out.`,
    )
  }
}

function isSetOf(text: string, kids: ReadonlySet<string>): boolean {
  try {
    const { keys }: { keys?: { kid?: unknown }[] } = JSON.parse(text)
    return Array.isArray(keys) && keys.every(({ kid }) => typeof kid === 'string' && kids.has(kid))
  } catch {
    return false
  }
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

function renderKeygen(result: KeygenResult, style: Style): string {
  const { kid, alg, signFrom, files, publicJwks, nextSteps, warnings } = result
  const { length } = publicJwks.keys
  return [
    `${style.good('ok')}    ${signFrom === undefined ? 'A new key.' : 'The next key. Until its time comes, the keys that are there sign.'}\n`,
    renderTable([
      ['kid', kid],
      ['alg', alg],
      ['signs from', signFrom],
      ['private', `${files.private} (mode 0600; never leaves your servers)`],
      ['public', `${files.public} (${length === 1 ? '1 key' : `${length} keys`})`],
    ]),
    ...warnings.map((text) => `${style.warn('warn')}  ${text}\n`),
    `\n${style.bold('What to do next')}\n`,
    ...nextSteps.map((step, index) => `  ${index + 1}. ${step}\n`),
  ].join('')
}

export function addKeygen(program: Command, context: CommandContext): void {
  program
    .command('keygen')
    .description('Make a key pair: a private JWK Set for the app, and a public one to host and register.')
    .addOption(
      new Option('--alg <algorithm>', 'default: ES384, or that of the key to rotate').choices(GENERATED_ALGORITHMS),
    )
    .option('--out <folder>', `where ${PRIVATE_NAME} and ${PUBLIC_NAME} go (default: the current folder)`)
    .option('--rotate <file>', 'add the next key to a private JWK Set')
    .option('--sign-from <time>', 'when the next key begins to sign (default: in a day and 10 minutes)')
    .addHelpText('after', '\nExample:\n  fhir-auth keygen --alg ES384 --out keys')
    .action(async (options: KeygenOptions, command: Command) => {
      const title = `Making a key for ${options.rotate === undefined ? 'a new set' : basename(options.rotate)}`
      const result = await progressOf(context, options).step(title, () => keygen(options))
      show(context, command, result, renderKeygen)
    })
}
