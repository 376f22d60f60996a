import { setPriority } from 'node:os'
import { ask, atRate, logIn, type Tenant } from '../support/tenant-people.ts'

// The people of the hostile tenant: made-up callbacks, logins, and pages of whoever was logged in. A process of their own,
// because the clock of the honest people's requests must not wait for them.
const [tenantText = '', perSecond, seconds] = process.argv.slice(2)
const tenant = JSON.parse(tenantText) as Tenant
setPriority(19)

const sessions: string[] = []
await atRate(Number(perSecond), Number(seconds), async (count) => {
  const act = async () => {
    if (count % 10 === 0) {
      const session = await logIn(tenant)
      if (session) sessions.push(session)
    } else if (count % 10 === 1 && sessions.length > 0) {
      await ask(`${tenant.app}/patient`, sessions[count % sessions.length])
    } else {
      await ask(`${tenant.app}/callback-${tenant.clientId}?code=x&state=${crypto.randomUUID()}`, 'a=b')
    }
  }
  await act().catch(() => {})
})
process.send?.(true)
