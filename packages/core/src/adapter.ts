// `@fhir-auth/core/adapter`: what an adapter for a framework is made of: docs/adapters.md.

export {
  type AdapterRequest,
  type Answer,
  type FhirHandler,
  findContext,
  type MissingContext,
} from './web/adapter-contract.ts'
export { createFhirGuard, type FhirGuard } from './web/guard.ts'
