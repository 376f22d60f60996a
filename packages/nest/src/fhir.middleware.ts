import type { ServerResponse } from 'node:http'
import {
  type Answer,
  type FhirHandler,
  type Finding,
  findContext,
  findingOn,
  keepFinding,
  sendOnNode,
} from '@fhir-auth/core/adapter'
import { throwable } from './fhir.exception.ts'
import { coreRequestOf, type FhirRequest } from './fhir-request.ts'

type Next = (error?: unknown) => void
type Middleware = (req: FhirRequest, res: ServerResponse, next: Next) => void

/** Answers the auth paths, and gives every other request its context. On both platforms it gets Node's own objects. */
export function fhirMiddleware(handler: FhirHandler, problems: 'answer' | 'forward' = 'answer'): Middleware {
  return function fhirMiddleware(req, res, next) {
    const request = coreRequestOf(req)
    if (handler.handles(request.url)) {
      const apply = (answer: Answer) => {
        if (answer.kind === 'problem' && problems === 'forward') next(throwable(answer, res))
        else sendOnNode(answer, res)
      }
      Promise.resolve(handler.answer(request)).then(apply).catch(next)
      return
    }
    const found = findContext(handler, request, findingOn(req))
    if (found instanceof Promise) found.then((late) => attach(late, req, next)).catch(next)
    else attach(found, req, next)
  }
}

function attach(found: Finding, req: FhirRequest, next: Next): void {
  keepFinding(req, found)
  next()
}
