import type { SigningKey } from './signing-key.ts'
import type { LeftAsideKey } from './sort-candidates.ts'

/** The keys of a source. */
export interface LoadedKeys {
  readonly keys: readonly SigningKey[]
  readonly leftAside: readonly LeftAsideKey[]
}
