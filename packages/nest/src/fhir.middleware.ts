import type { ServerResponse } from 'node:http'
import { type Answer, belongsToPerson, type FhirContext, type FhirHandler } from '@fhir-auth/core'
import { throwable } from './fhir.exception.ts'
import { type FhirRequest, MISSING, NodeRequest } from './fhir-request.ts'

type Middleware = (req: FhirRequest, res: ServerResponse, next: (error?: unknown) => void) => void

/** Answers the auth paths, and gives every other request its context. It takes Node's own objects, on both platforms. */
export function fhirMiddleware(handler: FhirHandler, problems: 'answer' | 'forward' = 'answer'): Middleware {
  return function fhirMiddleware(req, res, next) {
    const request = new NodeRequest(req)
    if (handler.handles(request.url)) {
      const apply = (answer: Answer) => {
        if (answer.kind === 'problem' && problems === 'forward') next(throwable(answer, res))
        else send(answer, res)
      }
      Promise.resolve(handler.answer(request)).then(apply).catch(next)
      return
    }
    if (handler.kind === 'backend' && belongsToPerson(req.fhir, req[MISSING])) {
      next()
      return
    }
    const attach = (context: FhirContext | undefined, failure?: unknown) => {
      if (context !== undefined) {
        req.fhir = context
      } else {
        delete req.fhir
        // Only a guarded route fails for want of a token, so the reason waits for its guard.
        req[MISSING] = { handler, failure }
      }
      next()
    }
    const fail = (failure: unknown) => attach(undefined, failure)
    const context = handler.contextFor(request)
    if (context instanceof Promise) context.then((found) => attach(found), fail)
    else attach(context)
  }
}

function send(answer: Answer, res: ServerResponse): void {
  res.statusCode = answer.status
  for (const [name, value] of Object.entries(answer.headers)) res.setHeader(name, value)
  for (const cookie of answer.cookies) res.appendHeader('set-cookie', cookie)
  res.end(answer.body)
}
