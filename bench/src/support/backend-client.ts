import { type KeySet, loadKeySet } from '@fhir-auth/core'
import { exportJWK, generateKeyPair } from 'jose'

export const CLIENT_ID = 'cohort-export'
export const SCOPE = 'system/Patient.rs'

export interface AppKey {
  readonly privateKey: CryptoKey
  readonly keys: KeySet
}

/** The same key for us and for whoever signs by hand. */
export async function generateAppKey(alg: 'ES384' | 'RS384' = 'ES384'): Promise<AppKey> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true, modulusLength: 2048 })
  const jwk = { ...(await exportJWK(privateKey)), alg, kid: 'key', use: 'sig' }
  return { privateKey, keys: await loadKeySet(JSON.stringify({ keys: [jwk] })) }
}

export function backendOptions(
  fhirBaseUrl: string,
  keys: KeySet,
): { fhirBaseUrl: string; clientId: string; scope: string; keys: KeySet } {
  return { fhirBaseUrl, clientId: CLIENT_ID, scope: SCOPE, keys }
}
