import type { SigningKey } from './signing-key.ts'
import type { LeftAsideKey } from './sort-candidates.ts'

/** What a source gave. */
export interface LoadedKeys {
  readonly keys: readonly SigningKey[]
  readonly leftAside: readonly LeftAsideKey[]
}
