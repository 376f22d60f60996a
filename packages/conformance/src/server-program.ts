import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process'
import { accessSync, chownSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

export interface ServerStart {
  /** What it prints when it accepts connections. */
  readonly readyLine: string
  /** Ends it when this process has ended; default SIGKILL. */
  readonly lastSignal?: NodeJS.Signals | undefined
  readonly options?: Pick<SpawnOptions, 'uid' | 'gid' | 'cwd'> | undefined
}

/** Starts a server and waits until it says that it is ready. It ends with this process at the latest. */
export async function startProgram(
  program: string,
  args: readonly string[],
  start: ServerStart,
): Promise<ChildProcess> {
  const child = spawn(program, args, { ...start.options, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk
        if (output.includes(start.readyLine)) resolve()
      })
    }
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`${program} ended before it was ready.\n${output}`)))
  })
  // Read the output, because a full pipe would stop the server.
  child.stdout.removeAllListeners('data').resume()
  child.stderr.removeAllListeners('data').resume()
  endWithThisProcess(child, start.lastSignal ?? 'SIGKILL')
  return child
}

/** Ends a server by a signal, also one that is paused, and waits for its end. */
export async function endProgram(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (!child || hasEnded(child)) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  child.kill('SIGCONT')
  await ended
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/** When this process ends, in whatever way, its end of the pipe closes, and the shell at the other end stops the server. */
function endWithThisProcess(server: ChildProcess, signal: NodeJS.Signals): void {
  const script = 'read -r _; kill -s "$1" "$0"; kill -s CONT "$0"'
  const watch = spawn('sh', ['-c', script, String(server.pid), signal.replace('SIG', '')], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  server.once('exit', () => watch.kill('SIGKILL'))
}

/** The processes that this one has started. */
export function childrenOf(pid: number): number[] {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .split('\n')
    .map((row) => row.trim().split(/\s+/).map(Number))
    .flatMap(([child = 0, parent]) => (parent === pid ? [child] : []))
}

/** A connection's process may end meanwhile. */
export function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (typeof address !== 'object' || address === null) throw new Error('No free port was found.')
  return address.port
}

/** The folder of the PATH that has this program. */
export function folderOnPath(name: string): string | undefined {
  return (process.env.PATH ?? '').split(delimiter).find((folder) => isProgram(join(folder, name)))
}

export function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The user for a server that refuses to run as root: another user, if this process is root. */
export type Account = { readonly uid?: number; readonly gid?: number }

export function serverAccount(): Account {
  if (process.getuid?.() !== 0) return {}
  const idOf = (kind: '-u' | '-g', user: string) => Number(execFileSync('id', [kind, user], { stdio: 'pipe' }))
  for (const user of ['postgres', 'nobody']) {
    try {
      return { uid: idOf('-u', user), gid: idOf('-g', user) }
    } catch {
      // There is no such user.
    }
  }
  throw new Error('This server does not run as root, and there is neither a user "postgres" nor "nobody".')
}

/** A new folder for one server. */
export function ownFolder(prefix: string, { uid, gid }: Account = {}): { folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), prefix))
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid)
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
