import { type Framework, variantsOf } from './frameworks.ts'

// One variant of one framework, in a process of its own: says where it is, and on request how much CPU it has used.
const [framework, name = ''] = process.argv.slice(2)
const variant = (await variantsOf(framework as Framework))[name]
if (!variant) throw new Error(`There is no variant "${name}" of ${framework}.`)
const server = await variant()

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuMicroseconds: user + system })
})
process.on('disconnect', () => process.exit())
process.send?.(server)
