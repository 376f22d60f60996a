import type { Adapter, AdapterPayload } from 'oidc-provider'

interface Entry {
  payload: AdapterPayload
  expiresAt: number
}

/** Everything an authorization server remembers. Outlives the server, so that new signing keys lose nothing. */
export interface ProviderStorage {
  adapter: (model: string) => Adapter
  /** Forgets every code, token and grant. */
  revokeAll: () => void
}

const revocable = new Set(['AccessToken', 'AuthorizationCode', 'ClientCredentials', 'Grant', 'RefreshToken'])

/** @param findClient metadata of a registered client, in wire names */
export function createProviderStorage(findClient: (clientId: string) => AdapterPayload | undefined): ProviderStorage {
  const models = new Map<string, Map<string, Entry>>()

  const entriesOf = (model: string): Map<string, Entry> => {
    const entries = models.get(model) ?? new Map<string, Entry>()
    models.set(model, entries)
    return entries
  }

  const adapter = (model: string): Adapter => {
    const entries = entriesOf(model)
    const live = (id: string): Entry | undefined => {
      const entry = entries.get(id)
      if (entry && entry.expiresAt > Date.now()) return entry
      entries.delete(id)
      return undefined
    }
    const findBy = async (member: 'uid' | 'userCode', value: string): Promise<AdapterPayload | undefined> => {
      for (const [id, { payload }] of entries) {
        if (payload[member] === value) return structuredClone(live(id)?.payload)
      }
      return undefined
    }
    return {
      // Expired tokens stay for a while, so that they are refused as expired and not as unknown.
      async upsert(id, payload, expiresIn) {
        for (const [key, { expiresAt }] of entries) if (expiresAt <= Date.now()) entries.delete(key)
        const keepSeconds = model === 'ReplayDetection' ? 0 : 60
        const expiresAt =
          expiresIn === undefined ? Number.POSITIVE_INFINITY : Date.now() + (expiresIn + keepSeconds) * 1000
        entries.set(id, { payload: structuredClone(payload), expiresAt })
      },
      // A copy: two requests at the same time must not change each other's state.
      find: async (id) => (model === 'Client' ? findClient(id) : structuredClone(live(id)?.payload)),
      findByUid: (uid) => findBy('uid', uid),
      findByUserCode: (userCode) => findBy('userCode', userCode),
      async consume(id) {
        const entry = live(id)
        if (entry) entry.payload.consumed = Math.floor(Date.now() / 1000)
      },
      async destroy(id) {
        entries.delete(id)
      },
      async revokeByGrantId(grantId) {
        for (const [id, { payload }] of entries) if (payload.grantId === grantId) entries.delete(id)
      },
    }
  }

  return {
    adapter,
    revokeAll() {
      for (const model of revocable) models.get(model)?.clear()
    },
  }
}
