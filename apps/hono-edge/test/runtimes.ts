import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { getRequestListener } from '@hono/node-server'
import { rolldown } from 'rolldown'
import { createPortal, type PortalSettings } from '../src/app.ts'

/** Starts the portal on the port of its `ORIGIN`, and answers what ends it. */
export type Start = (settings: PortalSettings) => Promise<() => Promise<unknown>>

/** Each runtime with the entry that a user of it starts. Undefined where its npm package has no binary for this machine. */
export const runtimes: Record<string, Start | undefined> = {
  Node: startOnNode,
  Bun: onBinary('bun', 'bin/bun', () => ['--conditions=@fhir-auth/source', 'run', source('bun.ts')]),
  Deno: onBinary('deno', 'deno', (port) => [
    ...['serve', '--conditions=@fhir-auth/source', '--no-lock', '--allow-net', '--allow-env'],
    ...[`--port=${port}`, '--host=127.0.0.1', source('deno.ts')],
  ]),
  workerd: onBinary('workerd', 'bin/workerd', (_port, folder) => ['serve', join(folder, 'config.capnp')], {
    prepare: async (folder, settings) => {
      writeFileSync(join(folder, 'worker.mjs'), (await bundleWorker()).code)
      writeFileSync(join(folder, 'config.capnp'), workerdConfig(settings))
    },
  }),
}

/** The worker and all it stands on as one module; what is left to import would be a module of Node, or of nobody. */
export async function bundleWorker(): Promise<{ code: string; imports: string[] }> {
  const build = await rolldown({
    input: source('worker.ts'),
    platform: 'neutral',
    resolve: { conditionNames: ['@fhir-auth/source', 'import', 'default'] },
  })
  const { output } = await build.generate({ format: 'esm', codeSplitting: false })
  await build.close()
  const [{ code, imports }] = output
  return { code, imports }
}
