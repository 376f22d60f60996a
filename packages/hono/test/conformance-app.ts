import { type AppSetup, answerOfError } from '@fhir-auth/conformance/app'
import { backendServices, type FhirEnv, fhirErrors, fhirProxy, requireFhir, smartLaunch } from '@fhir-auth/hono'
import { Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

/** The app that the suite asks for, on Node and on every other runtime. */
export function createConformanceApp(setup: AppSetup, origin: string): Hono<FhirEnv> {
  const handling = { problems: setup.problems }
  const mounted = [
    setup.smartLaunch && smartLaunch(setup.smartLaunch(origin), handling),
    setup.backendServices && backendServices(setup.backendServices(origin), handling),
  ].filter((middleware) => middleware !== undefined)
  if (setup.backendFirst) mounted.reverse()

  const part = new Hono<FhirEnv>()
  for (const middleware of mounted) part.use(middleware)
  if (setup.fhirProxy) part.use(fhirProxy(setup.fhirProxy))
  for (const { path, requirement, cacheControl, handle } of setup.routes) {
    if (requirement) part.get(path, requireFhir(requirement, handling))
    const headers = cacheControl === undefined ? {} : { 'cache-control': cacheControl }
    part.get(path, async (c) => Response.json(await handle(c.var.fhir, c.req), { headers }))
  }
  const app = new Hono<FhirEnv>().route(setup.mountPath || '/', part)
  if (setup.fhirErrors) app.onError(fhirErrors())
  if (setup.errorHandler) {
    app.onError((error, c) => {
      const { status, body } = answerOfError(error)
      return c.json(body, status as ContentfulStatusCode)
    })
  }
  return app
}
