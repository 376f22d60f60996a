import { type AdapterHost, answerOfError, describeAdapter, startNodeApp } from '@fhir-auth/conformance'
import {
  backendServices,
  type EventListener,
  fhirErrors,
  fhirProxy,
  requireFhir,
  smartLaunch,
} from '@fhir-auth/express'
import express, { type ErrorRequestHandler } from 'express'
import { expect, it } from 'vitest'
import { inMemoryTelemetry } from './in-memory-telemetry.ts'

const seen = new Set<string>()

const handleError: ErrorRequestHandler = (error, _req, res, _next) => {
  const { status, body } = answerOfError(error)
  res.status(status).json(body)
}

/** The suite searches all that an app puts out for every secret that was exchanged. Here that is what was exported. */
const host: AdapterHost = {
  async start(setup) {
    const telemetry = inMemoryTelemetry()
    const { onEvent } = telemetry
    const handling = { problems: setup.problems }
    const app = await startNodeApp((origin) => {
      const router = express.Router()
      const mounted = [
        setup.smartLaunch && smartLaunch({ ...setup.smartLaunch(origin), onEvent }, handling),
        setup.backendServices && backendServices({ ...setup.backendServices(origin), onEvent }, handling),
      ].filter((middleware) => middleware !== undefined)
      if (setup.backendFirst) mounted.reverse()
      for (const middleware of mounted) router.use(middleware)
      if (setup.fhirProxy)
        router.use(fhirProxy({ ...setup.fhirProxy, onEvent: both(setup.fhirProxy.onEvent, onEvent) }))
      for (const { path, requirement, cacheControl, handle } of setup.routes) {
        if (requirement) router.get(path, requireFhir(requirement, handling))
        router.get(path, (req, res, next) => {
          if (cacheControl) res.set('cache-control', cacheControl)
          void handle(req.fhir, req).then((body) => res.json(body), next)
        })
      }
      const app = express().use(setup.mountPath || '/', router)
      if (setup.fhirErrors) app.use(fhirErrors())
      if (setup.errorHandler) app.use(handleError)
      return app
    })
    let exported = ''
    return {
      ...app,
      output: () => exported,
      async close() {
        exported = await telemetry.text()
        for (const { name } of telemetry.spans()) seen.add(name)
        for (const { name } of await telemetry.points()) seen.add(name)
        await app.close()
      },
    }
  },
}

/** The suite looks at the proxy's events as well. */
function both(first: EventListener | undefined, second: EventListener): EventListener {
  return (event) => {
    first?.(event)
    second(event)
  }
}

describeAdapter('what is exported', host)

it('the run has shown each kind of span and metric', () => {
  const spans = ['login', 'callback', 'refresh', 'token', 'token_request', 'discovery', 'jwks', 'revocation']
  const metrics = [
    'logins',
    'logins.started',
    'refreshes',
    'tokens',
    'launches.ended',
    'request.duration',
    'token.remaining',
  ]
  expect([...seen].sort()).toEqual(expect.arrayContaining([...spans, ...metrics].map((name) => `fhir_auth.${name}`)))
})
