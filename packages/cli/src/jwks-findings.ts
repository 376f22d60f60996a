import { algorithmsOf, MIN_RSA_BITS, PRIVATE_MEMBERS, PUBLIC_MEMBERS, rsaBits } from '@fhir-auth/core/internal'
import type { Finding } from './finding.ts'

/** What is wrong with a hosted JWK Set (SMART App Launch 2.2 "Client Authentication: Asymmetric", RFC 7517). */
export function findInJwks(document: Readonly<Record<string, unknown>>): Finding[] {
  const { keys } = document
  if (!Array.isArray(keys)) {
    return [error('not_jwks', 'The answer is no JWK Set: it has no list "keys".', 'The server finds no key in it.')]
  }
  if (keys.length === 0) return [error('no_keys', 'The JWK Set is empty.', 'The server finds no key in it.')]
  const records = keys.filter((key): key is Record<string, unknown> => typeof key === 'object' && key !== null)
  const findings = records.flatMap((key, index) => findInKey(key, nameOf(key, index)))
  if (records.length < keys.length) {
    findings.push(error('not_jwks', 'An entry of "keys" is no JSON object.', 'Servers refuse the whole set.'))
  }
  const kids = records.map(({ kid }) => kid).filter((kid) => typeof kid === 'string')
  for (const kid of new Set(kids.filter((kid, index) => kids.indexOf(kid) !== index))) {
    findings.push(
      error(
        'duplicate_kid',
        `Two keys have the kid "${kid}".`,
        'A server may take the wrong one, and refuses every assertion then. Give each key a kid of its own.',
      ),
    )
  }
  return findings
}

function findInKey(key: Record<string, unknown>, name: string): Finding[] {
  const { kty, kid, alg, use } = key
  if (kty === 'oct' || 'k' in key) {
    return [
      error(
        'symmetric_key',
        `${name} is symmetric (kty "oct"): it is a secret, and it is public now.`,
        'Remove it, and replace it wherever it is used. Assertions need an RSA or EC key.',
      ),
    ]
  }
  const findings: Finding[] = []
  const leaked = PRIVATE_MEMBERS.filter((member) => member in key)
  if (leaked.length > 0) {
    findings.push(
      error(
        'private_member',
        `${name} publishes private members: ${leaked.join(', ')}.`,
        'Anyone can sign in your name. Make a new key, register it, and delete this one. Host what fhir-auth jwks FILE prints.',
      ),
    )
  }
  if (typeof kid !== 'string' || kid === '') {
    findings.push(
      error('missing_kid', `${name} has no kid.`, 'SMART requires it: the assertion names its key by the kid.'),
    )
  }
  if (alg === undefined) {
    findings.push(
      warning('missing_alg', `${name} has no alg.`, 'Some servers take only keys that name their algorithm.'),
    )
  }
  if (use === undefined) {
    findings.push(
      warning('missing_use', `${name} has no use.`, 'Some servers take only keys with use "sig" for signatures.'),
    )
  } else if (use !== 'sig') {
    findings.push(warning('wrong_use', `${name} has use ${shown(use)}.`, 'No server checks a signature with it.'))
  }
  return [...findings, ...findInMaterial(key, name)]
}

function findInMaterial(key: Record<string, unknown>, name: string): Finding[] {
  const { kty, alg, crv, n } = key
  const members = typeof kty === 'string' && Object.hasOwn(PUBLIC_MEMBERS, kty) ? PUBLIC_MEMBERS[kty] : undefined
  if (members === undefined) {
    return [error('unknown_key_type', `${name} has kty ${shown(kty)}.`, 'Servers take RSA and EC keys.')]
  }
  const missing = members.filter((member) => typeof key[member] !== 'string')
  if (missing.length > 0) {
    const what = `${name} (${kty}) lacks ${missing.join(', ')}.`
    return [error('incomplete_key', what, 'No server can check a signature with it. Some want bare members, not x5c.')]
  }
  const spelling = findInSpelling(key, members, name)
  if (spelling.some(({ level }) => level === 'error')) return spelling
  if (kty === 'RSA' && typeof n === 'string' && rsaBits(n) < MIN_RSA_BITS) {
    const what = `${name} is an RSA key of ${rsaBits(n)} bits.`
    return [error('weak_rsa', what, `Servers refuse fewer than ${MIN_RSA_BITS}. Make a new one: fhir-auth keygen`)]
  }
  const fitting: readonly string[] | undefined = algorithmsOf(key)
  if (fitting === undefined) {
    return [error('unknown_curve', `${name} is on the curve ${shown(crv)}.`, 'Servers take P-384 (ES384), some P-256.')]
  }
  // RFC 9864 gives EdDSA on this curve the curve's own name.
  const isNamedByCurve = alg === 'Ed25519' && crv === 'Ed25519'
  if (alg !== undefined && !isNamedByCurve && !fitting.includes(String(alg))) {
    const what = `${name} has alg ${shown(alg)}, which ${kty === 'RSA' ? 'an RSA key' : `a ${crv} key`} cannot do.`
    return [...spelling, error('wrong_alg', what, `Servers refuse it. Write ${fitting.join(' or ')}.`)]
  }
  return spelling
}

const MEND = 'fhir-auth jwks FILE prints the public set of your private file as it should be: host that.'

/** Members as other tools write them: base64url without padding (RFC 7518 §2), and numbers without leading zeros (§6.3.1.1). */
function findInSpelling(key: Record<string, unknown>, members: readonly string[], name: string): Finding[] {
  return members.flatMap((member) => {
    const value = key[member]
    if (typeof value !== 'string' || member === 'crv') return []
    if (/[+/=\s]/.test(value)) {
      const what = `${name}: ${member} is standard base64, with "+", "/", "=" or white space in it.`
      return [error('standard_base64', what, `It must be base64url (RFC 7518 §2): servers refuse the key. ${MEND}`)]
    }
    if (key.kty !== 'RSA' || !/^A[A-P]/.test(value)) return []
    const what = `${name}: ${member} begins with a zero byte.`
    const meaning = `It must not (RFC 7518 §6.3.1.1): some servers refuse the key, or work out another thumbprint. ${MEND}`
    return [warning('leading_zeros', what, meaning)]
  })
}

function nameOf({ kid }: Record<string, unknown>, index: number): string {
  return typeof kid === 'string' && kid !== '' ? `Key ${index + 1} (${kid.slice(0, 60)})` : `Key ${index + 1}`
}

function shown(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value).slice(0, 40)
}

function error(code: string, what: string, meaning: string): Finding {
  return { code, level: 'error', what, meaning }
}

function warning(code: string, what: string, meaning: string): Finding {
  return { code, level: 'warning', what, meaning }
}
