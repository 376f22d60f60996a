import type { LeftAsideKey } from './reading/sort-candidates.ts'
import type { SigningKey } from './signing-key.ts'

/** The keys of a source. */
export interface LoadedKeys {
  readonly keys: readonly SigningKey[]
  readonly leftAside: readonly LeftAsideKey[]
}
