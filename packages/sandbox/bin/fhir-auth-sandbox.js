#!/usr/bin/env node
// Checked in, so that package managers can link it before anything is built.
import { runSandbox } from '../dist/bin.js'

const running = await runSandbox(process.argv.slice(2))
if ('exitCode' in running) {
  process.exitCode = running.exitCode
} else {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => running.close())
}
