import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** A runtime that is no Node, from its npm package. */
export interface Runtime {
  readonly name: 'Bun' | 'Deno' | 'workerd'
  /** Undefined where the package has none for this machine. */
  readonly binary: string | undefined
  /** How it serves `app.mjs` of its working directory. */
  arguments(port: number): string[]
  /** More that it wants to find there. */
  files?(port: number): Record<string, string>
}

const require = createRequire(import.meta.url)

export const runtimes: readonly Runtime[] = [
  {
    name: 'Bun',
    binary: findBinary(() => require.resolve('bun/package.json'), 'bin/bun'),
    arguments: () => ['run', 'app.mjs'],
  },
  {
    name: 'Deno',
    binary: findBinary(() => require.resolve('deno/package.json'), 'deno'),
    // No environment, no files: the network is all that an app needs.
    arguments: (port) => ['serve', '--no-config', '--allow-net', '--host=127.0.0.1', `--port=${port}`, 'app.mjs'],
  },
  {
    name: 'workerd',
    binary: findBinary(() => require.resolve('workerd/package.json'), 'bin/workerd'),
    arguments: () => ['serve', 'config.capnp'],
    files: (port) => ({ 'config.capnp': workerdConfig(port) }),
  },
]

/** The packages keep their binaries in optional dependencies, one for each platform: the one that is here is ours. */
function findBinary(findManifest: () => string, path: string): string | undefined {
  const manifest = attempt(findManifest)
  if (manifest === undefined) return undefined
  const requireThere = createRequire(manifest)
  const { optionalDependencies = {} } = requireThere(manifest)
  for (const platform of Object.keys(optionalDependencies)) {
    const found = attempt(() => requireThere.resolve(`${platform}/package.json`))
    const binary = found && [path, `${path}.exe`].map((name) => join(dirname(found), name)).find(existsSync)
    if (binary && spawnSync(binary, ['--version']).status === 0) return binary
  }
  return undefined
}

function attempt<T>(find: () => T): T | undefined {
  try {
    return find()
  } catch {
    return undefined
  }
}

/** No `nodejs_compat`, and no date on which it would be on by itself. */
function workerdConfig(port: number): string {
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "app", worker = .app),
    # The sandbox is on this machine, where workerd does not let an app go by default.
    (name = "internet", network = (allow = ["local", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "app")],
);
const app :Workerd.Worker = (
  modules = [
    (name = "app.mjs", esModule = embed "app.mjs"),
    (name = "settings.mjs", esModule = embed "settings.mjs"),
  ],
  compatibilityDate = "2025-01-01",
);
`
}
