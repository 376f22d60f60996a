import { describeAdapter } from '../src/index.ts'
import { plainHost } from './plain-adapter.ts'

describeAdapter('core on node:http', plainHost)
