import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FhirContext } from '@fhir-auth/core'
import type { ArgumentsHost } from '@nestjs/common'

/** Node's request, which both platforms have, with what the middleware adds to it. */
export interface FhirRequest extends IncomingMessage {
  originalUrl?: string
  fhir?: FhirContext
}

/** Node's request and response of an HTTP handler. Fastify wraps them in objects of its own. */
export function httpPairOf(context: ArgumentsHost): { request: FhirRequest; response: ServerResponse } {
  if (context.getType() !== 'http') {
    throw new TypeError(
      `FhirGuard and @Fhir() work in HTTP handlers only, and this one has type "${context.getType()}".`,
    )
  }
  const http = context.switchToHttp()
  return { request: unwrap<FhirRequest>(http.getRequest()), response: unwrap<ServerResponse>(http.getResponse()) }
}

function unwrap<Raw extends object>(value: Raw | { raw: Raw }): Raw {
  return 'raw' in value ? value.raw : value
}
