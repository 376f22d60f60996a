import { expect } from 'vitest'
import { FhirAuthError } from '../../src/index.ts'

/** The error of a call that must fail, and must fail with the library's own error type. */
export async function failureOf(call: () => unknown): Promise<FhirAuthError> {
  let failure: unknown
  try {
    await call()
  } catch (error) {
    failure = error
  }
  expect(failure).toBeInstanceOf(FhirAuthError)
  return failure as FhirAuthError
}
