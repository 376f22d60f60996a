import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { canPin, DRIVING_CORE } from './pinned-process.ts'

const DEBIAN = '/usr/lib/postgresql'

/** The folder of the programs on this machine, the newest of Debian's, or undefined. */
export function postgresPrograms(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [process.env.POSTGRES_BIN ?? '', ...versions.map((version) => join(DEBIAN, version, 'bin'))]
  return folders.find((folder) => existsSync(join(folder, 'initdb')))
}

/** With its defaults: each commit is on the disk before it is answered. */
export async function startPostgres(programs: string): Promise<{ url: string; process: ChildProcess }> {
  const account = serverAccount()
  const folder = mkdtempSync(join(tmpdir(), 'fhir-auth-bench-'))
  if (account !== undefined) chownSync(folder, account.uid, account.gid)
  const options = { ...account, cwd: folder }
  const initialise = [
    '--pgdata',
    folder,
    '--username',
    'bench',
    '--auth',
    'trust',
    '--encoding',
    'UTF8',
    '--locale',
    'C',
  ]
  execFileSync(join(programs, 'initdb'), initialise, { ...options, stdio: 'ignore' })
  const port = await freePort()
  const settings = { port, listen_addresses: '127.0.0.1', unix_socket_directories: '' }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const run = [join(programs, 'postgres'), '-D', folder, ...flags]
  const [first = '', ...rest] = canPin ? ['taskset', '-c', String(DRIVING_CORE), ...run] : run
  const server = spawn(first, rest, { ...options, stdio: ['ignore', 'ignore', 'pipe'] })
  process.on('exit', () => {
    server.kill('SIGQUIT')
    rmSync(folder, { recursive: true, force: true })
  })
  await new Promise<void>((resolve, reject) => {
    server.stderr.on('data', (text: Buffer) => text.includes('ready to accept connections') && resolve())
    server.once('exit', (code) => reject(new Error(`postgres ended with ${code}`)))
  })
  return { url: `postgres://bench@127.0.0.1:${port}/postgres`, process: server }
}

/** PostgreSQL does not run as root. */
function serverAccount(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const idOf = (kind: string) => Number(execFileSync('id', [kind, 'postgres']))
  return { uid: idOf('-u'), gid: idOf('-g') }
}
