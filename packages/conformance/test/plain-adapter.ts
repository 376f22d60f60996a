import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createBackendServices, createSmartLaunch, type FhirContext } from '@fhir-auth/core'
import {
  type AdapterRequest,
  type Answer,
  createFhirGuard,
  findContext,
  type MissingContext,
} from '@fhir-auth/core/adapter'
import { type AdapterHost, type AppSetup, answerOfError, startNodeApp } from '../src/index.ts'

/** Core on node:http alone: the least that passes the suite, so that a red case here is a fault of suite or core. */
export const plainHost: AdapterHost = { start: (setup) => startNodeApp((origin) => plainApp(setup, origin)) }

export function plainApp(setup: AppSetup, origin: string): RequestListener {
  const launch = setup.smartLaunch && createSmartLaunch(setup.smartLaunch(origin))
  const backend = setup.backendServices && createBackendServices(setup.backendServices(origin))
  const handlers = [launch, backend].filter((handler) => handler !== undefined)
  if (setup.backendFirst) handlers.reverse()
  const routes = setup.routes.map(({ path, requirement, handle }) => ({
    path: setup.mountPath + path,
    guard: requirement && createFhirGuard(requirement),
    handle,
  }))

  async function answerTo(request: AdapterRequest): Promise<Pick<Answer, 'status' | 'headers' | 'cookies' | 'body'>> {
    let fhir: FhirContext | undefined
    let missing: MissingContext | undefined
    for (const handler of handlers) {
      if (handler.handles(request.url)) return settled(await handler.answer(request))
      await findContext(handler, request, fhir, missing, (context, reason) => {
        fhir = context
        missing = reason
      })
    }
    const route = routes.find(({ path }) => path === request.url.split('?')[0])
    if (!route) return json(404, null)
    const refusal = route.guard?.(fhir, missing, request)
    return refusal ? settled(refusal) : json(200, await route.handle(fhir, request))
  }

  function settled(answer: Answer): Answer {
    if (answer.kind === 'problem' && setup.problems === 'forward') throw answer.error
    return answer
  }

  return (message, response) => {
    answerTo(requestOf(message))
      .catch((error: unknown) => {
        const { status, body } = answerOfError(error)
        return json(status, setup.errorHandler ? body : null)
      })
      .then((answer) => send(answer, response))
      .catch(() => response.destroy())
  }
}

function requestOf({ method = 'GET', url = '/', headers }: IncomingMessage): AdapterRequest {
  return { method, url, header: (name) => headers[name]?.toString() }
}

function json(status: number, body: unknown): Pick<Answer, 'status' | 'headers' | 'cookies' | 'body'> {
  return { status, headers: { 'content-type': 'application/json' }, cookies: [], body: JSON.stringify(body) }
}

function send({ status, headers, cookies, body }: ReturnType<typeof json>, response: ServerResponse): void {
  response.setHeaders(new Headers(headers))
  for (const cookie of cookies) response.appendHeader('set-cookie', cookie)
  response.writeHead(status).end(body)
}
