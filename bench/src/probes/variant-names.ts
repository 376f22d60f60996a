import { type Framework, variantsOf } from '../servers/frameworks.ts'

const [framework] = process.argv.slice(2)
process.send?.(Object.keys(await variantsOf(framework as Framework)))
