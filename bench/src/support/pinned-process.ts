import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

/** What is measured runs on one core; what drives it, on another. */
export const MEASURED_CORE = 0
export const DRIVING_CORE = 1

export const canPin: boolean = availableParallelism() > 1 && spawnSync('taskset', ['-V']).status === 0

/** Keeps this process, which drives the others, off the core of what is measured. */
export function pinDriver(): void {
  if (canPin) spawnSync('taskset', ['-acp', String(DRIVING_CORE), String(process.pid)])
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts one of this folder's files on a core of its own. It ends with this process at the latest. */
export function startPinned(
  file: string,
  args: readonly string[] = [],
  { core = MEASURED_CORE, flags = [] as readonly string[] } = {},
): ChildProcess {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url))
  const node = [process.execPath, ...flags, path, ...args]
  const [command = '', ...rest] = canPin ? ['taskset', '-c', String(core), ...node] : node
  const env = { ...process.env, NODE_ENV: 'production' }
  const child = spawn(command, rest, { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  running.add(child)
  child.once('exit', (code, signal) => {
    running.delete(child)
    // A probe has said all that it had to; a server must not end.
    if (signal !== 'SIGKILL' && !(code === 0 && file.startsWith('probes/')))
      console.error(`${[file, ...args].join(' ')} ended by itself: ${code ?? signal}`)
  })
  return child
}

/** The next message of a child, or its failure. */
export function nextMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const failed = (code: number | null) => reject(new Error(`${child.spawnargs.join(' ')} ended with ${code}`))
    child.once('exit', failed)
    child.once('message', (message) => {
      child.off('exit', failed)
      resolve(message as T)
    })
  })
}

/** Runs a file to its one message: all that it has to say. */
export async function runPinned<T>(
  file: string,
  args: readonly string[] = [],
  options: { core?: number; flags?: readonly string[] } = {},
): Promise<T> {
  const child = startPinned(file, args, options)
  const message = await nextMessage<T>(child)
  child.kill('SIGKILL')
  return message
}
