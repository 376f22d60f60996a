import { encode } from 'jose/base64url'

/** BASE64URL(SHA256(ASCII(verifier))), the S256 challenge of RFC 7636 §4.2. */
export async function codeChallenge(verifier: string): Promise<string> {
  return encode(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))))
}
