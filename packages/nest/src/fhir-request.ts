import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FhirContext } from '@fhir-auth/core'
import { NodeRequest } from '@fhir-auth/core/adapter'
import type { ArgumentsHost } from '@nestjs/common'

/** Node's request, the same object on both platforms, and what the middleware leaves on it. */
export interface FhirRequest extends IncomingMessage {
  originalUrl?: string
  fhir?: FhirContext
}

/** Node's request and response under an HTTP handler: Express hands them over themselves, Fastify inside its own. */
export function httpPairOf(context: ArgumentsHost): { request: FhirRequest; response: ServerResponse } {
  if (context.getType() !== 'http') {
    throw new TypeError(`FhirGuard and @Fhir() serve HTTP handlers, and this is one of type "${context.getType()}".`)
  }
  const http = context.switchToHttp()
  return { request: unwrap<FhirRequest>(http.getRequest()), response: unwrap<ServerResponse>(http.getResponse()) }
}

function unwrap<Raw extends object>(value: Raw | { raw: Raw }): Raw {
  return 'raw' in value ? value.raw : value
}

/** Node's request as core reads it: with the URL before any mount path was cut off. */
export function coreRequestOf(request: FhirRequest): NodeRequest {
  return new NodeRequest(request, request.originalUrl ?? request.url ?? '/')
}
