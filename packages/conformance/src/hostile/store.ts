import type { Store } from '@fhir-auth/core'
import { expect } from 'vitest'
import type { Whoami } from '../app/handlers.ts'
import type { CaseApp } from '../case-app.ts'
import type { ConformanceCase } from '../conformance-case.ts'
import { logInAtHostile } from './hostile-login.ts'

/** A store that an attacker can read and change. Each app begins with an empty one. */
function writableStore() {
  const entries = new Map<string, string>()
  const store: Store = {
    get: async (key) => entries.get(key),
    set: async (key, value) => void entries.set(key, value),
    async swap(key, expected, value) {
      if (entries.get(key) !== expected) return false
      entries.set(key, value)
      return true
    },
    async delete(key, expected) {
      if (expected === undefined || entries.get(key) === expected) entries.delete(key)
    },
  }
  const app: CaseApp = {
    registeredAt: 'hostile',
    store() {
      entries.clear()
      return store
    },
  }
  return { entries, app }
}

const swapped = writableStore()
const damaged = writableStore()
const read = writableStore()

export const hostileStore: readonly ConformanceCase[] = [
  {
    rule: 'SEC-04 a store that hands out the records of others opens no session of theirs (NIST SP 800-38D §5.1)',
    app: swapped.app,
    async run({ hostile, visitor }) {
      const { entries } = swapped
      const [victim, attacker] = [visitor(), visitor()]
      hostile.change('/token', (body) => ({ ...body, patient: 'p-of-the-victim' }))
      await logInAtHostile(victim)
      const ofVictim = [...entries.values()]
      hostile.change('/token', (body) => ({ ...body, patient: 'p-of-the-attacker' }))
      const before = new Set(entries.keys())
      await logInAtHostile(attacker)
      expect((await attacker.ask('/guarded')).json<Whoami>().patient).toBe('p-of-the-attacker')
      for (const value of ofVictim) {
        for (const key of entries.keys()) if (!before.has(key)) entries.set(key, value)
        const answer = await attacker.ask('/guarded')
        expect(answer.status).toBe(401)
        expect(answer.text).not.toContain('p-of-the-victim')
      }
    },
  },
  {
    rule: 'SEC-04 a record that was changed in the store opens nothing, and ends nothing but its session (NIST SP 800-38D §7.2)',
    app: damaged.app,
    async run({ visitor }) {
      const { entries } = damaged
      const browser = visitor()
      await logInAtHostile(browser)
      const saved = new Map(entries)
      const changes: Record<string, (value: string) => unknown> = {
        empty: () => '',
        'no text': () => ({ toString: null }),
        'a number': () => 7,
        'JSON of its own': () => '{"launches":[{"patient":"p-of-another"}]}',
        'cut short': (value) => value.slice(0, -1),
        'one letter of it': (value) => value.slice(0, 40) + (value[40] === 'A' ? 'B' : 'A') + value.slice(41),
        'twice itself': (value) => value + value,
        __proto__: () => '__proto__',
        'a megabyte': () => 'A'.repeat(1024 * 1024),
      }
      for (const [name, change] of Object.entries(changes)) {
        // A store that other programs use may return anything.
        for (const [key, value] of saved) entries.set(key, change(value) as string)
        const answer = await browser.ask('/guarded')
        expect([name, [401, 503].includes(answer.status), answer.status]).toEqual([name, true, answer.status])
        expect(answer.text).not.toContain('p-of-another')
      }
      for (const [key, value] of saved) entries.set(key, value)
      expect((await browser.ask('/guarded')).status).toBe(200)
    },
  },
  {
    rule: 'RFR-09 who reads the store finds no cookie, token or patient in it (NIST SP 800-38D §5.1)',
    app: read.app,
    async run({ hostile, visitor }) {
      const secrets = ['an-access-token-to-look-for', 'a-refresh-token-to-look-for', 'a-patient-to-look-for']
      const [access_token, refresh_token, patient] = secrets
      hostile.change('/token', (body) => ({ ...body, access_token, refresh_token, patient }))
      const browser = visitor()
      await logInAtHostile(browser)
      expect((await browser.ask('/guarded')).json<Whoami>().patient).toBe(patient)
      const stored = [...read.entries].flat().join('\n')
      expect(stored.length).toBeGreaterThan(100)
      for (const secret of [...secrets, browser.sessionCookie ?? 'no cookie']) {
        for (const text of [secret, btoa(secret), Buffer.from(secret).toString('hex')])
          expect(stored).not.toContain(text)
      }
    },
  },
]
