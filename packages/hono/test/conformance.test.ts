import { type AdapterHost, describeAdapter, describeBehindNginx, startNodeApp } from '@fhir-auth/conformance'
import { getRequestListener } from '@hono/node-server'
import { createConformanceApp } from './conformance-app.ts'

const host: AdapterHost = {
  start: (setup) => startNodeApp((origin) => getRequestListener(createConformanceApp(setup, origin).fetch)),
}

describeAdapter('Hono 4 on Node', host)
describeBehindNginx('Hono 4 on Node', host)
