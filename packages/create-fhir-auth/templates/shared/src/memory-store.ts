import { memoryStore, type SharedTokensOptions } from '@fhir-auth/{{framework}}'

/** Where sessions and tokens are kept. */
export type AppStore = SharedTokensOptions['store']

export interface OpenStore {
  store: AppStore
  close: () => Promise<void>
}

/** Keeps all in this process. A restart logs everybody out, and a second process knows nothing of it. */
export function openMemoryStore(): OpenStore {
  return { store: memoryStore(), close: async () => {} }
}
