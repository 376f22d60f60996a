// The module that Bun, Deno and workerd are given: one app by web standards alone.
import { createAppSetup } from '@fhir-auth/conformance/app'
import { createConformanceApp } from '../conformance-app.ts'
import { origin, port, recipe } from './settings.mjs'

const { fetch } = createConformanceApp(await createAppSetup(recipe), origin)

// `port` and `hostname` are what Bun asks for; the others are told otherwise.
export default { fetch, port, hostname: '127.0.0.1' }
