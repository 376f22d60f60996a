import type { ServerResponse } from 'node:http'
import { type Answer, type FhirHandler, findContext } from '@fhir-auth/core/adapter'
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
    const before = req[MISSING]
    findContext(handler, request, req.fhir, before, (context, missing) => {
      if (context) req.fhir = context
      else if (req.fhir !== undefined) delete req.fhir
      // On Express, each new member of a request costs a microsecond: none without need.
      if (missing !== before) req[MISSING] = missing
      next()
    })
  }
}

function send(answer: Answer, res: ServerResponse): void {
  res.statusCode = answer.status
  for (const [name, value] of Object.entries(answer.headers)) res.setHeader(name, value)
  for (const cookie of answer.cookies) res.appendHeader('set-cookie', cookie)
  res.end(answer.body)
}
