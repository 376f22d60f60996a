import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { canPin, DRIVING_CORE } from './pinned-process.ts'

const COMMANDS = ['valkey-server', 'redis-server']

/** The server that this machine has, or undefined. */
export function redisCommand(): string | undefined {
  return COMMANDS.find((command) => spawnSync(command, ['--version']).status === 0)
}

export async function startRedis(command: string): Promise<{ port: number; process: ChildProcess }> {
  const port = await freePort()
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const run = [command, ...settings, '--dir', mkdtempSync(join(tmpdir(), 'fhir-auth-bench-'))]
  const [first = '', ...rest] = canPin ? ['taskset', '-c', String(DRIVING_CORE), ...run] : run
  const server = spawn(first, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  process.on('exit', () => server.kill('SIGKILL'))
  await new Promise<void>((resolve, reject) => {
    server.stdout.on('data', (text: Buffer) => text.includes('Ready to accept connections') && resolve())
    server.once('exit', (code) => reject(new Error(`${command} ended with ${code}`)))
  })
  return { port, process: server }
}
