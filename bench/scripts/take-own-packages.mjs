import { cpSync, existsSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

// Our packages as they are published, manifest and `dist`, beside the peers: each finds its own dependencies, and the
// framework that the peers have too. A link would bring the workspace's own copy of the framework with it.
const bench = resolve(dirname(fileURLToPath(import.meta.url)), '..')

for (const name of ['core', 'express', 'fastify', 'hono', 'nest', 'postgres', 'redis']) {
  const source = join(bench, '../packages', name)
  const target = join(bench, 'node_modules/@fhir-auth', name)
  if (!existsSync(join(source, 'dist'))) throw new Error(`packages/${name} is not built: run \`npx -y pnpm@10 bench\`.`)
  rmSync(target, { recursive: true, force: true })
  cpSync(join(source, 'package.json'), join(target, 'package.json'))
  cpSync(join(source, 'dist'), join(target, 'dist'), { recursive: true })
}
