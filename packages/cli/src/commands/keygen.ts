import { mkdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { PublicJwk } from '@fhir-auth/core'
import { type Command, Option } from 'commander'
import { type CommandContext, type JsonOption, progressOf, show } from '../command-context.ts'
import type { CommandResult } from '../finding.ts'
import {
  GENERATED_ALGORITHMS,
  type GeneratedAlgorithm,
  generatePrivateKey,
  loadKeyText,
  readTextFile,
} from '../key-file.ts'
import { renderTable, type Style } from '../output.ts'
import { rotationSteps, withNextKey } from '../rotation.ts'
import { UsageError } from '../usage-error.ts'
import { PRIVATE_MODE, PUBLIC_MODE, refuseExisting, writeWholeFile } from '../write-file.ts'

interface KeygenOptions extends JsonOption {
  alg?: GeneratedAlgorithm | undefined
  out?: string | undefined
  rotate?: string | undefined
}

export interface KeygenResult extends CommandResult {
  readonly kid: string
  readonly alg: string
  readonly files: { readonly private: string; readonly public: string }
  /** What to host and to register. */
  readonly publicJwks: { readonly keys: readonly PublicJwk[] }
  readonly nextSteps: readonly string[]
  readonly warnings: readonly string[]
}

const PRIVATE_NAME = 'private.jwks.json'
const PUBLIC_NAME = 'jwks.json'

/** Makes a key: alone, or behind those of a file. */
async function keygen(options: KeygenOptions): Promise<KeygenResult> {
  return options.rotate === undefined ? firstKey(options) : nextKey(options.rotate, options)
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
    warnings: [],
  }
}

async function nextKey(path: string, { alg, out = dirname(path) }: KeygenOptions): Promise<KeygenResult> {
  const files = { private: path, public: join(out, PUBLIC_NAME) }
  const current = await readTextFile(path)
  const currentKeys = await loadKeyText(current, path)
  const signing = currentKeys.signingKey()
  const chosen = alg ?? (signing.alg === 'RS384' ? 'RS384' : 'ES384')
  await refuseForeignSet(files.public, new Set(currentKeys.publicJwks().keys.map(({ kid }) => kid)))
  const key = await generatePrivateKey(chosen)
  const text = json(withNextKey(current, key, path))
  const publicJwks = (await loadKeyText(text, path)).publicJwks()
  await mkdir(out, { recursive: true })
  await writeWholeFile(path, text, { mode: PRIVATE_MODE, replace: true })
  await writeWholeFile(files.public, json(publicJwks), { mode: PUBLIC_MODE, replace: true })
  return {
    ok: true,
    kid: key.kid,
    alg: chosen,
    files,
    publicJwks,
    nextSteps: rotationSteps(files, key),
    warnings:
      chosen === signing.alg
        ? []
        : [
            `The new key is ${chosen}, the current one ${signing.alg}. At a server that accepts only ${chosen} the new key signs at once: publish before the app gets the file.`,
          ],
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
  const { kid, alg, files, publicJwks, nextSteps, warnings } = result
  const { length } = publicJwks.keys
  return [
    `${style.good('ok')}    ${length === 1 ? 'A new key.' : `The next key, behind ${length - 1} that ${length === 2 ? 'is' : 'are'} there. The first key signs.`}\n`,
    renderTable([
      ['kid', kid],
      ['alg', alg],
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
    .option('--rotate <file>', 'add the next key to a private JWK Set, behind the key that signs')
    .addHelpText('after', '\nExample:\n  fhir-auth keygen --alg ES384 --out keys')
    .action(async (options: KeygenOptions, command: Command) => {
      const title = `Making a key for ${options.rotate === undefined ? 'a new set' : basename(options.rotate)}`
      const result = await progressOf(context, options).step(title, () => keygen(options))
      show(context, command, result, renderKeygen)
    })
}
