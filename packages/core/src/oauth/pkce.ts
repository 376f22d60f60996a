import { encode } from 'jose/base64url'

/** 256 random bits as base64url: 43 characters, all unreserved. Serves for `state`, `nonce`, verifiers and ids. */
export function randomToken(): string {
  return encode(crypto.getRandomValues(new Uint8Array(32)))
}

/** BASE64URL(SHA256(ASCII(verifier))), the S256 challenge of RFC 7636 §4.2. */
export async function codeChallenge(verifier: string): Promise<string> {
  return encode(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))))
}

/** Compares without telling by its duration where two texts differ. */
export function equalInConstantTime(a: string, b: string): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i)
  return difference === 0
}
