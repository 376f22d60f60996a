import { createParamDecorator, type ExecutionContext } from '@nestjs/common'
import { httpPairOf } from './fhir-request.ts'

/**
 * A handler's parameter of type `FhirContext`: the context of this request's session or backend service, with a valid token.
 * `undefined` if there is none; behind `FhirGuard` there always is one.
 */
export const Fhir: () => ParameterDecorator = createParamDecorator(
  (_data: unknown, context: ExecutionContext) => httpPairOf(context).request.fhir,
)
