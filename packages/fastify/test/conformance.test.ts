import {
  type AdapterHost,
  answerOfError,
  describeAdapter,
  describeBehindNginx,
  startNodeApp,
} from '@fhir-auth/conformance'
import Fastify, { type FastifyInstance } from 'fastify'
import { backendServices, fhirErrors, fhirProxy, requireFhir, smartLaunch } from '../src/index.ts'

const host: AdapterHost = {
  start: (setup) =>
    startNodeApp(async (origin) => {
      const { backendFirst, mountPath, problems } = setup
      const app = Fastify({ logger: { stream: setup.log } })
      if (setup.errorHandler) {
        app.setErrorHandler((error, _request, reply) => {
          const { status, body } = answerOfError(error)
          return reply.code(status).send(body)
        })
      }
      if (setup.fhirErrors) app.setErrorHandler(fhirErrors())
      const scoped = async (scope: FastifyInstance) => {
        const launch = setup.smartLaunch?.(origin)
        const backend = setup.backendServices?.(origin)
        if (backend && backendFirst) scope.register(backendServices, { ...backend, problems })
        if (launch) scope.register(smartLaunch, { ...launch, problems })
        if (backend && !backendFirst) scope.register(backendServices, { ...backend, problems })
        if (setup.fhirProxy) scope.register(fhirProxy, setup.fhirProxy)
        for (const { path, requirement, cacheControl, handle } of setup.routes) {
          const preHandler = requirement === undefined ? [] : [requireFhir(requirement, { problems })]
          scope.get(path, { preHandler }, ({ fhir, originalUrl }, reply) => {
            if (cacheControl) reply.header('cache-control', cacheControl)
            return handle(fhir, { url: originalUrl })
          })
        }
      }
      app.register(scoped, { prefix: mountPath })
      await app.ready()
      return { listener: app.routing, close: () => app.close() }
    }),
}

describeAdapter('Fastify 5', host)
describeBehindNginx('Fastify 5', host)
