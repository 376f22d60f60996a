import { FhirAuthError } from '../../errors.ts'

/** @throws `invalid_key` always: for a key that cannot be used, with the remedy. */
export function refuseKey(message: string, cause?: unknown): never {
  throw new FhirAuthError('invalid_key', message, { cause })
}
