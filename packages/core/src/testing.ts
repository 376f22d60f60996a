// `@fhir-auth/core/testing`: for the tests of an app. Each adapter has the same door: `@fhir-auth/express/testing`.

export { type FakeAnswer, type FakeFhirOptions, fakeFhir } from './testing/fake-fhir.ts'
