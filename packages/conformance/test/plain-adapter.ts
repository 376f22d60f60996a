import type { RequestListener, ServerResponse } from 'node:http'
import { createBackendServices, createFhirProxy, createSmartLaunch } from '@fhir-auth/core'
import {
  type Answer,
  createFhirGuard,
  type Finding,
  failureAnswer,
  findContext,
  GUARDED_CACHE_CONTROL,
  headersBesideBody,
  MissingContext,
  NodeStreamedRequest,
  type StreamedAnswer,
  type StreamedRequest,
  sendStreamOnNode,
} from '@fhir-auth/core/adapter'
import { type AdapterHost, type AppSetup, answerOfError, startNodeApp } from '../src/index.ts'

/** Core on node:http alone: the least that passes the suite, so that a red case here is a fault of suite or core. */
export const plainHost: AdapterHost = { start: (setup) => startNodeApp((origin) => plainApp(setup, origin)) }

export function plainApp(setup: AppSetup, origin: string): RequestListener {
  const launch = setup.smartLaunch && createSmartLaunch(setup.smartLaunch(origin))
  const backend = setup.backendServices && createBackendServices(setup.backendServices(origin))
  const proxy = setup.fhirProxy && createFhirProxy(setup.fhirProxy)
  const handlers = [launch, backend].filter((handler) => handler !== undefined)
  if (setup.backendFirst) handlers.reverse()
  const routes = setup.routes.map(({ path, requirement, cacheControl, handle }) => ({
    path: setup.mountPath + path,
    guard: requirement && createFhirGuard(requirement),
    cacheControl,
    handle,
  }))

  async function answerTo(request: StreamedRequest): Promise<Reply | StreamedAnswer> {
    let found: Finding | undefined
    for (const handler of handlers) {
      if (handler.handles(request.url)) return settled(await handler.answer(request))
      found = await findContext(handler, request, found)
    }
    if (proxy?.handles(request.url)) return proxy.answer(request, found)
    const route = routes.find(({ path }) => path === request.url.split('?')[0])
    if (!route) return json(404, null)
    const refusal = route.guard?.(found, request)
    if (refusal) return settled(refusal)
    let body: unknown
    try {
      body = await route.handle(found instanceof MissingContext ? undefined : found, request)
    } catch (error) {
      const failure = setup.fhirErrors ? failureAnswer(error, found, request) : undefined
      if (failure) return failure
      throw error
    }
    const cacheControl = route.cacheControl ?? (route.guard && GUARDED_CACHE_CONTROL)
    return json(200, body, cacheControl === undefined ? {} : { 'cache-control': cacheControl })
  }

  function settled(answer: Answer): Reply {
    if (answer.kind !== 'problem' || setup.problems !== 'forward') return answer
    const { status, body } = answerOfError(answer.error)
    return { ...json(status, setup.errorHandler ? body : null, headersBesideBody(answer)), cookies: answer.cookies }
  }

  return (message, response) => {
    answerTo(new NodeStreamedRequest(message, response, message.url ?? '/'))
      .catch((error: unknown) => {
        const { status, body } = answerOfError(error)
        return json(status, setup.errorHandler ? body : null)
      })
      .then((answer) => ('kind' in answer ? sendStreamOnNode(answer, response) : send(answer, response)))
      .catch(() => response.destroy())
  }
}

type Reply = Pick<Answer, 'status' | 'headers' | 'cookies' | 'body'>

function json(status: number, body: unknown, headers: Record<string, string> = {}): Reply {
  return {
    status,
    headers: { ...headers, 'content-type': 'application/json' },
    cookies: [],
    body: JSON.stringify(body),
  }
}

function send({ status, headers, cookies, body }: Reply, response: ServerResponse): void {
  response.setHeaders(new Headers(headers))
  for (const cookie of cookies) response.appendHeader('set-cookie', cookie)
  response.writeHead(status).end(body)
}
