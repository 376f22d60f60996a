import { describeAdapter, startNodeApp } from '@fhir-auth/conformance'
import { getRequestListener } from '@hono/node-server'
import { createConformanceApp } from './conformance-app.ts'

describeAdapter('Hono 4 on Node', {
  start: (setup) => startNodeApp((origin) => getRequestListener(createConformanceApp(setup, origin).fetch)),
})
