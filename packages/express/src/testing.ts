// `@fhir-auth/express/testing`: for the tests of an app: docs/testing.md.
export * from '@fhir-auth/core/testing'
