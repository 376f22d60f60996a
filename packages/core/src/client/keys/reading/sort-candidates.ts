import { shownText } from '../../../shared/shown-text.ts'
import { algorithmsOf, PUBLIC_MEMBERS } from '../key-rules.ts'
import { refuseKey } from '../refuse-key.ts'
import { isExternalKey } from './external-key.ts'
import { ImportedKey } from './imported-key.ts'
import { normalisedJwk } from './normalised-jwk.ts'

/** A key of the set that cannot sign, and why (RFC 7517 §5). It is not used or published. */
export interface LeftAsideKey {
  readonly kid: string | undefined
  readonly reason: string
}

/** A key to load. */
export interface KeyCandidate {
  readonly value: unknown
  /** Its name in messages, by its position in the source. */
  readonly name: string
}

type Jwk = Record<string, unknown>

/** Algorithms that encrypt or wrap (RFC 7518 §4.1): a key for one of them is not for signatures. */
const ENCRYPTION_ALGORITHM = /^(?:RSA-OAEP|RSA1_5|ECDH-ES|A\d+|PBES2|dir$)/

/** Uses of a key other than signing (RFC 7517 §4.3). */
const OTHER_OPERATIONS = ['encrypt', 'decrypt', 'wrapKey', 'unwrapKey', 'deriveKey', 'deriveBits']

/**
 * Separates the keys that can sign from others. If none can sign, all are kept, so that the checks report each fault.
 *
 * @throws `invalid_key` for a public part with another `kid` than its private key
 */
export function sortCandidates(values: readonly unknown[]): {
  candidates: readonly KeyCandidate[]
  leftAside: readonly LeftAsideKey[]
} {
  const all = values.map((value, index) => ({
    value: isJwk(value) ? normalisedJwk(value) : value,
    name: `Key ${index + 1}`,
  }))
  const leftAside: LeftAsideKey[] = []
  const candidates = all.filter((candidate) => {
    if (!isJwk(candidate.value)) return true
    if (isCompanion(candidate.value, candidate.name, all)) return false
    const reason = reasonToLeave(candidate.value)
    if (reason === undefined) return true
    const { kid } = candidate.value
    leftAside.push(Object.freeze({ kid: typeof kid === 'string' ? shownText(kid) : undefined, reason }))
    return false
  })
  return candidates.length === 0
    ? { candidates: all, leftAside: [] }
    : { candidates, leftAside: Object.freeze(leftAside) }
}

function isJwk(value: unknown): value is Jwk {
  return typeof value === 'object' && value !== null && !(value instanceof ImportedKey) && !isExternalKey(value)
}

function reasonToLeave({ kty, crv, use, key_ops: operations, alg }: Jwk): string | undefined {
  if (use !== undefined && use !== 'sig') return `its use is ${shownValue(use)}, not "sig"`
  if (
    Array.isArray(operations) &&
    operations.length > 0 &&
    operations.every((name) => OTHER_OPERATIONS.includes(name))
  ) {
    return `its key_ops is ${shownValue(operations)}, without "sign"`
  }
  if (kty === 'oct') return 'it is symmetric (kty "oct")'
  if (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP')
    return typeof kty === 'string' ? `its kty is ${shownValue(kty)}` : undefined
  if (typeof alg === 'string' && ENCRYPTION_ALGORITHM.test(alg)) return `its alg is ${shownValue(alg)}, which encrypts`
  return typeof crv === 'string' && algorithmsOf({ kty, crv }) === undefined
    ? `no server takes its curve ${shownValue(crv)}`
    : undefined
}

/** Whether it is the public part of a private key of the set; some sets contain both. */
function isCompanion(jwk: Jwk, name: string, all: readonly KeyCandidate[]): boolean {
  if (jwk.d !== undefined || jwk.k !== undefined) return false
  const owner = all.find(({ value }) => isPrivatePartOf(value, jwk))
  if (owner === undefined) return false
  const own = kidIn(owner.value)
  if (jwk.kid === undefined || jwk.kid === own) return true
  return refuseKey(
    `${name} is the public part of ${owner.name}, but has another kid: ${shownValue(jwk.kid)} and ${shownValue(own)}. Write the registered kid into both, or remove ${name}.`,
  )
}

function isPrivatePartOf(value: unknown, jwk: Jwk): boolean {
  if (typeof value !== 'object' || value === null) return false
  const publicPart: Jwk | undefined = isExternalKey(value)
    ? normalisedJwk(value.publicJwk as Jwk)
    : 'd' in value
      ? (value as Jwk)
      : undefined
  const members = PUBLIC_MEMBERS[String(jwk.kty)] ?? []
  return publicPart !== undefined && members.length > 0 && members.every((member) => publicPart[member] === jwk[member])
}

function kidIn(value: unknown): unknown {
  const { kid, publicJwk } = value as { kid?: unknown; publicJwk?: { kid?: unknown } }
  return kid ?? publicJwk?.kid
}

function shownValue(value: unknown): string {
  return value === undefined ? 'none' : shownText(JSON.stringify(value) ?? String(value), 60)
}
