import { setTimeout as sleep } from 'node:timers/promises'

// Says how many milliseconds it takes to import a module, after those that its user has imported already.
const [module = '', ...before] = process.argv.slice(2)
for (const name of before) await import(name)
// What those leave to be done, such as the collection of their garbage, is not this one's.
await sleep(200)
const startedAt = performance.now()
await import(module)
process.send?.(performance.now() - startedAt)
