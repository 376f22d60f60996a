import {
  type AdapterHost,
  answerOfError,
  describeAdapter,
  describeBehindNginx,
  startNodeApp,
} from '@fhir-auth/conformance'
import express5, { type ErrorRequestHandler } from 'express'
import express4 from 'express4'
import { backendServices, fhirErrors, fhirProxy, requireFhir, smartLaunch } from '../src/index.ts'

describeAdapter('Express 5', hostOf(express5))
describeAdapter('Express 4', hostOf(express4))
describeBehindNginx('Express 5', hostOf(express5))

function hostOf(express: typeof express5): AdapterHost {
  return {
    start: (setup) =>
      startNodeApp((origin) => {
        const handling = { problems: setup.problems }
        const router = express.Router()
        const mounted = [
          setup.smartLaunch && smartLaunch(setup.smartLaunch(origin), handling),
          setup.backendServices && backendServices(setup.backendServices(origin), handling),
        ].filter((middleware) => middleware !== undefined)
        if (setup.backendFirst) mounted.reverse()
        for (const middleware of mounted) router.use(middleware)
        if (setup.fhirProxy) router.use(fhirProxy(setup.fhirProxy))
        for (const { path, requirement, cacheControl, handle } of setup.routes) {
          if (requirement) router.get(path, requireFhir(requirement, handling))
          router.get(path, (req, res, next) => {
            if (cacheControl) res.set('cache-control', cacheControl)
            // Express 4 does not look at a handler's promise.
            handle(req.fhir, req).then((body) => res.json(body), next)
          })
        }
        const app = express().use(setup.mountPath || '/', router)
        if (setup.fhirErrors) app.use(fhirErrors())
        if (setup.errorHandler) app.use(handleError)
        return app
      }),
  }
}

const handleError: ErrorRequestHandler = (error, _req, res, _next) => {
  const { status, body } = answerOfError(error)
  res.status(status).json(body)
}
