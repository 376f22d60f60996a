import type { Framework } from './frameworks.ts'
import { proxyVariantsOf } from './proxies/all-proxies.ts'

// One proxy of one framework, in a process of its own: says where it is, and on request what it has used.
const [framework, name = '', upstream = ''] = process.argv.slice(2)
const variant = (await proxyVariantsOf(framework as Framework))[name]
if (!variant) throw new Error(`There is no proxy "${name}" of ${framework}.`)
const server = await variant(upstream)

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuMicroseconds: user + system, residentBytes: process.memoryUsage.rss() })
})
process.on('disconnect', () => process.exit())
process.send?.(server)
