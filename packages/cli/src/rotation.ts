import { loadKeySet } from '@fhir-auth/core'
import { DEFAULT_JWKS_MAX_AGE_SECONDS, RETIRED_KEY_SECONDS } from '@fhir-auth/core/internal'
import type { PrivateKeyRecord } from './key-file.ts'
import { type DatedKey, timeText } from './key-states.ts'
import { UsageError } from './usage-error.ts'

/** A private JWK Set as it stands in a file. */
export interface PrivateJwks {
  readonly keys: readonly Record<string, unknown>[]
}

/** How long a retired key is still needed after its last signature: until servers have a new set and its assertions have expired. */
const OVERLAP_SECONDS = DEFAULT_JWKS_MAX_AGE_SECONDS + RETIRED_KEY_SECONDS
/** Time to give the file to every process of the app. */
const DEPLOYMENT_SECONDS = 24 * 3600

/**
 * When the next key begins to sign: the given time, or after a day for the deployment plus the max-age of the JWKS.
 *
 * @param given - ISO 8601
 * @param now - the present, in milliseconds since the epoch
 * @throws UsageError for a wrong time
 */
export async function signFromOf(given: string | undefined, key: PrivateKeyRecord, now: number): Promise<string> {
  if (given === undefined) {
    const minutes = Math.ceil((now / 1000 + DEPLOYMENT_SECONDS + DEFAULT_JWKS_MAX_AGE_SECONDS) / 60)
    return timeText(minutes * 60_000)
  }
  try {
    await loadKeySet({ ...key, signFrom: given })
    return given
  } catch {
    throw new UsageError(
      `--sign-from ${given} is no time. Write one with its zone, such as 2026-07-01T06:00:00Z, or a date.`,
    )
  }
}

/**
 * Adds the next key after the others.
 *
 * @param text - the content of the key file, which is known to hold usable keys
 * @throws UsageError if it is not JSON, because only a JWK Set can hold two keys
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

/** A key that the next one retires, and when it can be deleted. */
export interface RetiredKey {
  readonly kid: string
  readonly removeFrom: string
}

/** The keys that sign until the next one begins. */
export function retiredBy(signFrom: number, keys: readonly DatedKey[]): RetiredKey[] {
  return keys
    .filter(({ state, at }) => state !== 'next' && at === signFrom)
    .map(({ kid }) => ({ kid, removeFrom: timeText(signFrom + OVERLAP_SECONDS * 1000) }))
}

/** What is left to do for a rotation without an outage. */
export function rotationSteps(
  files: { private: string; public: string },
  signFrom: number,
  retired: readonly RetiredKey[],
  now: number,
): string[] {
  const deadline = signFrom - DEFAULT_JWKS_MAX_AGE_SECONDS * 1000
  const [removeFrom] = retired.map((key) => key.removeFrom)
  return [
    `${deadline > now ? `Before ${timeText(deadline)}` : 'Now'}: give ${files.private} to every process of the app. backendServices() publishes both keys from then on; if you host the set yourself, host the new ${files.public}. To look: fhir-auth jwks ${files.private} --check URL`,
    `That is all. The new key signs from ${timeText(signFrom)} on, by itself.`,
    ...(removeFrom === undefined
      ? []
      : [
          `From ${removeFrom} on nothing needs ${retired.map(({ kid }) => kid).join(', ')}: delete it from ${files.private} then, or at the next rotation.`,
        ]),
  ]
}

/** What may go wrong with a key that signs from then on. */
export function rotationWarnings(
  signFrom: number,
  next: { alg: string },
  before: { signing: { alg: string; kid: string }; keys: readonly DatedKey[] },
  now: number,
): string[] {
  const { signing, keys } = before
  const waiting = keys.filter(({ state, at }) => state === 'next' && at !== undefined)
  const isEarly = signFrom < now + DEFAULT_JWKS_MAX_AGE_SECONDS * 1000
  return [
    ...(isEarly
      ? [
          `Servers may keep the old set for ${DEFAULT_JWKS_MAX_AGE_SECONDS} s, and refuse the new key until they have read the new one. ${timeText(signFrom)} is before that.`,
        ]
      : []),
    ...(next.alg === signing.alg
      ? []
      : [
          `The new key is ${next.alg}, the current one ${signing.alg}: it is not retired, and still signs for servers that accept nothing else. Give ${signing.kid} a signUntil when none does.`,
        ]),
    ...waiting.map(
      ({ kid, at }) =>
        `The key ${kid} is next already, and signs from ${timeText(at ?? 0)}. Another one may be too much.`,
    ),
  ]
}
