import { generateKeyPair } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { FhirAuthError, type KeySet, loadKeySet } from '@fhir-auth/core'
import { UsageError } from './usage-error.ts'
import { isSystemError } from './write-file.ts'

/** What SMART requires every server to accept, and RS256 for those that take nothing else. */
export type GeneratedAlgorithm = 'ES384' | 'RS384' | 'RS256'

export const GENERATED_ALGORITHMS: readonly GeneratedAlgorithm[] = ['ES384', 'RS384', 'RS256']

/** What to know before a key of this algorithm is registered (SMART App Launch 2.2 "Client Authentication: Asymmetric"). */
export function algorithmWarnings(alg: GeneratedAlgorithm): string[] {
  if (alg !== 'RS256') return []
  return [
    'SMART asks for RS384 or ES384: use RS256 only where a server takes nothing else. fhir-auth discover URL lists what it takes.',
  ]
}

/** A private key as in its file. */
export interface PrivateKeyRecord extends Record<string, unknown> {
  readonly kid: string
  readonly alg: string
}

const RSA_BITS = 3072

/** Makes a key. Its `kid` is its thumbprint (RFC 7638), which is unique and can be computed again. */
export async function generatePrivateKey(alg: GeneratedAlgorithm): Promise<PrivateKeyRecord> {
  const { privateKey } =
    alg === 'ES384'
      ? await promisify(generateKeyPair)('ec', { namedCurve: 'P-384' })
      : await promisify(generateKeyPair)('rsa', { modulusLength: RSA_BITS })
  const jwk = privateKey.export({ format: 'jwk' })
  const { kid } = (await loadKeySet({ ...jwk, alg })).signingKey()
  return { kid, alg, use: 'sig', ...jwk }
}

/** @throws UsageError when the file cannot be read, in words that name it */
export async function readTextFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) throw new UsageError(`There is no file ${path}.`)
    if (isSystemError(error, 'EISDIR')) throw new UsageError(`${path} is a folder. Name the file in it.`)
    if (isSystemError(error, 'EACCES')) throw new UsageError(`${path} may not be read by this user.`)
    throw error
  }
}

/** @throws FhirAuthError `invalid_key`, which names the file, the fault and the remedy */
export async function loadKeyText(text: string, place: string): Promise<KeySet> {
  try {
    return await loadKeySet(text)
  } catch (error) {
    if (error instanceof FhirAuthError) throw new FhirAuthError(error.code, `${place}: ${error.message}`)
    throw error
  }
}

/** Whether others than its owner may read a file. Windows has no such mode. */
export async function isReadableByOthers(path: string): Promise<boolean> {
  return process.platform !== 'win32' && ((await stat(path)).mode & 0o077) !== 0
}
