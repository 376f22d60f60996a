import { inspect } from 'node:util'
import { type AdapterHost, answerOfError, describeAdapter, startNodeApp } from '@fhir-auth/conformance'
import Koa from 'koa'
import mount from 'koa-mount'
import { backendServices, type FhirState, fhirErrors, fhirProxy, requireFhir, smartLaunch } from './koa-adapter.ts'

const host: AdapterHost = {
  start: (setup) =>
    startNodeApp((origin) => {
      const handling = { problems: setup.problems }
      const part = new Koa<FhirState>()
      const mounted = [
        setup.smartLaunch && smartLaunch(setup.smartLaunch(origin), handling),
        setup.backendServices && backendServices(setup.backendServices(origin), handling),
      ].filter((middleware) => middleware !== undefined)
      if (setup.backendFirst) mounted.reverse()
      for (const middleware of mounted) part.use(middleware)
      if (setup.fhirProxy) part.use(fhirProxy(setup.fhirProxy))

      for (const { path, requirement, cacheControl, handle } of setup.routes) {
        const guard = requirement && requireFhir(requirement, handling)
        part.use(async (ctx, next) => {
          if (ctx.path !== path) return next()
          const answer = async () => {
            if (cacheControl) ctx.set('cache-control', cacheControl)
            ctx.body = await handle(ctx.state.fhir, ctx)
          }
          return guard ? guard(ctx, answer) : answer()
        })
      }

      const app = new Koa<FhirState>()
      app.on('error', (error) => setup.log.write(inspect(error)))
      if (setup.errorHandler) app.use(handleError)
      if (setup.fhirErrors) app.use(fhirErrors())
      app.use(mount(setup.mountPath || '/', part))
      return app.callback()
    }),
}

const handleError: Koa.Middleware<FhirState> = async (ctx, next) => {
  try {
    await next()
  } catch (error) {
    const { status, body } = answerOfError(error)
    ctx.status = status
    ctx.body = body
  }
}

describeAdapter('Koa 3', host)
