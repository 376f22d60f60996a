import type { PrivateKeyRecord } from './key-file.ts'
import { UsageError } from './usage-error.ts'

/** A private JWK Set as it stands in a file. */
export interface PrivateJwks {
  readonly keys: readonly Record<string, unknown>[]
}

/**
 * Adds the next key behind the others: the first key signs, so the new one is published before it is used.
 *
 * @param text - the content of the key file, which is known to hold usable keys
 * @throws UsageError when it is no JSON, as only a JWK Set can hold two keys
 */
export function withNextKey(text: string, next: PrivateKeyRecord, place: string): PrivateJwks {
  if (text.trim().startsWith('-----BEGIN')) {
    throw new UsageError(
      `${place} is a PEM file, which holds one key. Rotation needs a JWK Set: make one with fhir-auth keygen.`,
    )
  }
  const value: Record<string, unknown> & { keys?: Record<string, unknown>[] } = JSON.parse(text)
  return 'keys' in value ? { ...value, keys: [...(value.keys ?? []), next] } : { keys: [value, next] }
}

/** The four steps of a rotation without an outage, for a person to follow. */
export function rotationSteps(files: { private: string; public: string }, next: { kid: string }): string[] {
  return [
    `Publish: host the new ${files.public}. The first key of ${files.private} still signs.`,
    'Wait until no server can hold the old set: the max-age of your JWKS URL (600 s by default), and some minutes more. fhir-auth jwks --check shows it.',
    `Move the key ${next.kid} to the first place in ${files.private}, and give the file to the app again: now it signs.`,
    `Retire: after the same wait, and the 5 minutes that an assertion lives, delete the old key from ${files.private} and host what fhir-auth jwks ${files.private} prints.`,
  ]
}
