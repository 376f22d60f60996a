export { createFhirClient, type FhirClient, type FhirClientOptions, type SearchInit } from './fhir-client.ts'
export { FhirClientError, type OperationOutcome, type Problem } from './fhir-client-error.ts'
export { type AskOptions, readSession, type Session, type SessionUser, watchSession } from './session.ts'
export { withReturnTo } from './with-return-to.ts'
