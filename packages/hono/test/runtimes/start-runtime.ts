import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { AppRecipe } from '@fhir-auth/conformance'
import type { Runtime } from './runtime.ts'

export interface RunningApp {
  origin: string
  close(): Promise<void>
  /** All that it has printed. */
  output(): string
}

const START_SECONDS = 15

/** Runs the bundled app as a process of its own, and waits until it listens. */
export async function startOnRuntime(runtime: Runtime, code: string, recipe: AppRecipe): Promise<RunningApp> {
  const { binary, name } = runtime
  if (binary === undefined) throw new Error(`${name} is not here`)
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const folder = mkdtempSync(join(tmpdir(), 'fhir-auth-runtime-'))
  const settings = Object.entries({ origin, port, recipe }).map(
    ([key, value]) => `export const ${key} = ${JSON.stringify(value)}\n`,
  )
  const files = { 'app.mjs': code, 'settings.mjs': settings.join(''), ...runtime.files?.(port) }
  for (const [path, content] of Object.entries(files)) writeFileSync(join(folder, path), content)

  const child = spawn(binary, runtime.arguments(port), { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  child.stdout.on('data', (chunk) => {
    printed += chunk
  })
  child.stderr.on('data', (chunk) => {
    printed += chunk
  })
  const ended = once(child, 'close')
  const app: RunningApp = {
    origin,
    output: () => printed,
    async close() {
      child.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
  const deadline = Date.now() + START_SECONDS * 1000
  while (!(await listens(port))) {
    if (child.exitCode === null && Date.now() < deadline) continue
    await app.close()
    throw new Error(`${name} does not serve the app. It printed:\n${printed}`)
  }
  return app
}

/** By its port alone: a request would reach the app, which then asks for a token. */
async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    await setTimeout(20)
    return false
  } finally {
    socket.destroy()
  }
}

/** Below the ports that systems give to outgoing connections, so that none of those takes it before the app does. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 30_000)
    const server = createServer().listen(port, '127.0.0.1')
    try {
      await once(server, 'listening')
    } catch {
      continue // taken
    }
    server.close()
    await once(server, 'close')
    return port
  }
}
