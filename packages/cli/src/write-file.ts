import { randomUUID } from 'node:crypto'
import { access, link, open, realpath, rename, rm } from 'node:fs/promises'
import { UsageError } from './usage-error.ts'

/** Only its owner may read it. */
export const PRIVATE_MODE = 0o600
export const PUBLIC_MODE = 0o644

export interface WriteOptions {
  readonly mode: number
  /** Whether to replace an existing file. Default: refuse. */
  readonly replace?: boolean | undefined
}

/**
 * Writes a file atomically: a reader never sees a part of it, nor wider permissions.
 *
 * @throws UsageError if the file exists and may not be replaced
 */
export async function writeWholeFile(path: string, content: string, { mode, replace }: WriteOptions): Promise<void> {
  // Replace the target of a symbolic link, not the link.
  const target = replace ? await realpath(path).catch(() => path) : path
  const temporary = `${target}.${randomUUID()}.tmp`
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      // The umask may have removed more permissions than intended, but never fewer.
      await file.chmod(mode)
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    // Unlike a rename, a link fails if the name exists.
    if (replace) await rename(temporary, target)
    else await link(temporary, path)
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) throw occupied(path)
    throw error
  } finally {
    await rm(temporary, { force: true })
  }
}

/** @throws UsageError if there is a file of this name, before anything is written */
export async function refuseExisting(path: string): Promise<void> {
  const isThere = await access(path).then(
    () => true,
    () => false,
  )
  if (isThere) throw occupied(path)
}

function occupied(path: string): UsageError {
  return new UsageError(`${path} is there already, and is not overwritten. Name another folder with --out.`)
}

export function isSystemError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
