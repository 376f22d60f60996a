import { FhirAuthError } from '../../errors.ts'

/** Always throws `invalid_key`. The message says what is wrong with the key and what to do. */
export function refuseKey(message: string, cause?: unknown): never {
  throw new FhirAuthError('invalid_key', message, { cause })
}
