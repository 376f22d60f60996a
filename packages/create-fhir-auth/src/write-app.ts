import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { UsageError } from './usage-error.ts'

/** What a folder may hold before: it is what `git clone` of a new repository brings. */
const HARMLESS = new Set(['.git', 'LICENSE', '.DS_Store'])

/** @throws {@link UsageError} if something stands in the way */
export async function refuseFullFolder(folder: string): Promise<void> {
  const found = await entriesOf(folder)
  const others = found.filter((name) => !HARMLESS.has(name))
  if (others.length === 0) return
  throw new UsageError(
    `${folder} is not empty: it holds ${others.slice(0, 3).join(', ')}. Name a new or an empty folder.`,
  )
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException // readdir rejects with nothing else
    if (code === 'ENOENT') return []
    if (code === 'ENOTDIR') throw new UsageError(`${folder} is a file. Name a new or an empty folder.`)
    throw error
  }
}

export async function writeApp(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  for (const [path, text] of files) {
    const target = join(folder, path)
    await mkdir(dirname(target), { recursive: true })
    // Never over a file that came in the meantime.
    await writeFile(target, text, { flag: 'wx' })
  }
}
