// `@fhir-auth/core/adapter`: the parts of an adapter for a framework. See docs/adapters.md.

export {
  type AdapterRequest,
  type Answer,
  type FhirHandler,
  type Finding,
  findContext,
  headersBesideBody,
  MissingContext,
  type ProblemAnswer,
  type StreamedAnswer,
  type StreamedHandler,
  type StreamedRequest,
} from './web/adapter-contract.ts'
export {
  contextBehindGuard,
  createFhirGuard,
  type FhirGuard,
  failureAnswer,
  GUARDED_CACHE_CONTROL,
} from './web/guard.ts'
export {
  findingOn,
  keepFinding,
  NodeRequest,
  NodeStreamedRequest,
  nodeMiddleware,
  nodeRequestOf,
  nodeStreamMiddleware,
  sendHeadOnNode,
  sendOnNode,
  sendStreamOnNode,
} from './web/node-http.ts'
