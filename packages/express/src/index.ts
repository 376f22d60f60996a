export * from './core-exports.ts'
export { backendServices, type ProblemHandling, requireFhir, smartLaunch } from './middleware.ts'
