// Says how many milliseconds it takes to import a module, after those that its user has imported already.
const [module = '', ...before] = process.argv.slice(2)
for (const name of before) await import(name)
const startedAt = performance.now()
await import(module)
process.send?.(performance.now() - startedAt)
