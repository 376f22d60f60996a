import type { Store } from '@fhir-auth/core'

interface Entry {
  value: string
  expiresAt: number
}

export function mapStore(entries: Map<string, Entry>): Store {
  const liveValue = (key: string) => {
    const entry = entries.get(key)
    return entry !== undefined && entry.expiresAt > Date.now() ? entry.value : undefined
  }
  const keep = (key: string, value: string, ttlSeconds: number) => {
    entries.set(key, { value, expiresAt: Date.now() + ttlSeconds * 1000 })
  }
  return {
    async get(key) {
      return liveValue(key)
    },
    async set(key, value, ttlSeconds) {
      keep(key, value, ttlSeconds)
    },
    // Atomic, because there is no await between the check and the write.
    async swap(key, expected, value, ttlSeconds) {
      if (liveValue(key) !== expected) return false
      keep(key, value, ttlSeconds)
      return true
    },
    async delete(key, expected) {
      if (expected === undefined || liveValue(key) === expected) entries.delete(key)
    },
  }
}
