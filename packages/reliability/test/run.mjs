// The long form: node packages/reliability/test/run.mjs --store postgres --seconds 60 --sessions 200 --processes 4 --only 'kill'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'redis' },
    seconds: { type: 'string', default: '60' },
    sessions: { type: 'string', default: '200' },
    processes: { type: 'string', default: '4' },
    only: { type: 'string', default: '' },
  },
})
// TypeScript and the workspace's sources, as the tests have them: Node 20 reads no TypeScript.
const fromVitest = createRequire(createRequire(import.meta.url).resolve('vitest/package.json'))
const { runnerImport } = await import(pathToFileURL(fromVitest.resolve('vite')).href)
const conditions = ['@fhir-auth/source', 'node']
const { module } = await runnerImport(fileURLToPath(new URL('./long-run.ts', import.meta.url)), {
  configFile: false,
  logLevel: 'error',
  root: fileURLToPath(new URL('..', import.meta.url)),
  resolve: { conditions },
  ssr: { resolve: { conditions } },
})
await module.longRun({
  store: values.store,
  seconds: Number(values.seconds),
  sessions: Number(values.sessions),
  processes: Number(values.processes),
  only: values.only,
})
