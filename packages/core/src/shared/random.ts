import { encode } from 'jose/base64url'

/** 256 random bits as base64url, 43 unreserved characters: for `state`, `nonce`, PKCE verifiers and ids. */
export function randomToken(): string {
  return encode(crypto.getRandomValues(new Uint8Array(32)))
}
