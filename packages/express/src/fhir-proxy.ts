import { createFhirProxy, FhirProxy, type FhirProxyOptions } from '@fhir-auth/core'
import { nodeStreamMiddleware } from '@fhir-auth/core/adapter'
import type { RequestHandler } from 'express'

/**
 * Lets pages of the app read and write FHIR below a path, with the token of their session, which they never see. Mount it after
 * `smartLaunch()`, and before body parsers.
 *
 * @param options - or an instance made by `createFhirProxy`
 * @throws `invalid_option` for wrong options
 */
export function fhirProxy(options: FhirProxyOptions | FhirProxy): RequestHandler {
  return nodeStreamMiddleware(options instanceof FhirProxy ? options : createFhirProxy(options))
}
