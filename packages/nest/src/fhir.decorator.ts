import { createParamDecorator, type ExecutionContext } from '@nestjs/common'
import { httpPairOf } from './fhir-request.ts'

/**
 * A handler's parameter of type `FhirContext`: the token of this request's session or backend service, valid now.
 * `undefined` where there is none, which `FhirGuard` rules out.
 */
export const Fhir: () => ParameterDecorator = createParamDecorator(
  (_data: unknown, context: ExecutionContext) => httpPairOf(context).request.fhir,
)
