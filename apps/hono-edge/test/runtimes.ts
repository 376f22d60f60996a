import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { getRequestListener } from '@hono/node-server'
import { createPortal, type PortalSettings } from '../src/app.ts'
import { bundleWorker } from './bundle-worker.ts'

/** Starts the portal where its `ORIGIN` says, and answers what ends it. */
export type Start = (settings: PortalSettings, port: number) => Promise<() => Promise<unknown>>

const START_SECONDS = 15
const source = (name: string) => fileURLToPath(new URL(`../src/${name}`, import.meta.url))
const require = createRequire(import.meta.url)

/** Each runtime with the entry that its user starts. Undefined where its npm package has no binary for this machine. */
export const runtimes: Record<string, Start | undefined> = {
  Node: startOnNode,
  Bun: withBinary('bun', 'bin/bun', () => ['--conditions=@fhir-auth/source', 'run', source('bun.ts')]),
  Deno: withBinary('deno', 'deno', (_folder, _settings, port) => [
    ...['serve', '--conditions=@fhir-auth/source', '--no-lock', '--allow-net', '--allow-env'],
    ...['--host=127.0.0.1', `--port=${port}`, source('deno.ts')],
  ]),
  workerd: withBinary('workerd', 'bin/workerd', async (folder, settings, port) => {
    writeFileSync(join(folder, 'worker.mjs'), (await bundleWorker(source('worker.ts'))).code)
    writeFileSync(join(folder, 'config.capnp'), workerdConfig(settings, port))
    return ['serve', join(folder, 'config.capnp')]
  }),
}

export async function startOnNode(settings: PortalSettings, port: number): Promise<() => Promise<unknown>> {
  const server = createServer(getRequestListener(createPortal(settings).fetch)).listen(port, '127.0.0.1')
  await once(server, 'listening')
  return () => {
    server.closeAllConnections()
    return once(server.close(), 'close')
  }
}

type Arguments = (folder: string, settings: PortalSettings, port: number) => string[] | Promise<string[]>

function withBinary(name: string, path: string, argumentsFor: Arguments): Start | undefined {
  const binary = findBinary(name, path)
  if (binary === undefined) return undefined
  return async function startAsProcess(settings, port) {
    const folder = mkdtempSync(join(tmpdir(), 'fhir-auth-edge-'))
    const env = { ...process.env, ...settings, PORT: String(port) }
    const child = spawn(binary, await argumentsFor(folder, settings, port), { env, stdio: ['ignore', 'pipe', 'pipe'] })
    const ended = once(child, 'close')
    const close = async () => {
      child.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true })
    }
    await untilListening(child, port).catch(async (error) => {
      await close()
      throw error
    })
    return close
  }
}

/** The package keeps its binary in an optional dependency for each platform; the one that runs is ours. */
function findBinary(name: string, path: string): string | undefined {
  const manifest = require.resolve(`${name}/package.json`)
  const requireThere = createRequire(manifest)
  for (const platform of Object.keys(requireThere(manifest).optionalDependencies ?? {})) {
    try {
      const folder = dirname(requireThere.resolve(`${platform}/package.json`))
      const binary = [path, `${path}.exe`].map((file) => join(folder, file)).find(existsSync)
      if (binary && spawnSync(binary, ['--version']).status === 0) return binary
    } catch {
      // Not of this platform.
    }
  }
  return undefined
}

async function untilListening(child: ChildProcess, port: number): Promise<void> {
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      printed += chunk
    })
  }
  const deadline = Date.now() + START_SECONDS * 1000
  while (child.exitCode === null && Date.now() < deadline) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch {
      await setTimeout(20)
    } finally {
      socket.destroy()
    }
  }
  throw new Error(`The portal does not start. It printed:\n${printed}`)
}

/** No `nodejs_compat`; the FHIR server of the test is on this machine, where workerd does not go by default. */
function workerdConfig(settings: PortalSettings, port: number): string {
  const bindings = Object.entries(settings).map(([name, text]) => `(name = "${name}", text = ${JSON.stringify(text)})`)
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "app", worker = .app), (name = "internet", network = (allow = ["local", "public"]))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "app")],
);
const app :Workerd.Worker = (
  modules = [(name = "worker.mjs", esModule = embed "worker.mjs")],
  bindings = [${bindings.join(', ')}],
  compatibilityDate = "2025-01-01",
);
`
}
