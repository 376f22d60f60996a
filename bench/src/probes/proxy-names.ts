import type { Framework } from '../servers/frameworks.ts'
import { proxyVariantsOf } from '../servers/proxies/all-proxies.ts'

process.send?.(Object.keys(await proxyVariantsOf(process.argv[2] as Framework)))
