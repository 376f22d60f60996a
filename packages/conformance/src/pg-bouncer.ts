import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PostgresServer } from './postgres-server.ts'
import {
  endProgram,
  folderOnPath,
  freePort,
  isProgram,
  ownFolder,
  serverAccount,
  startProgram,
} from './server-program.ts'

/** A connection pooler between an app and its PostgreSQL. */
export interface PgBouncer {
  readonly url: string
  close(): Promise<void>
}

// Debian has it in /usr/sbin, which is not on everybody's PATH.
const program: string | undefined = ['/usr/sbin/pgbouncer', join(folderOnPath('pgbouncer') ?? '', 'pgbouncer')].find(
  isProgram,
)

let isReported = false

/**
 * For `it.skipIf(pgBouncerIsMissing())`.
 *
 * @throws where it is missing and `FHIR_AUTH_TEST_ALL` says that nothing may be skipped
 */
export function pgBouncerIsMissing(): boolean {
  if (program !== undefined) return false
  const line = 'Skipped: no pgbouncer found. Install it.'
  if (process.env.FHIR_AUTH_TEST_ALL) throw new Error(line)
  if (!isReported) console.warn(line)
  isReported = true
  return true
}

/** Transaction pooling: each transaction may get another connection of the server. */
export async function startPgBouncer(server: PostgresServer): Promise<PgBouncer> {
  if (program === undefined) throw new Error('There is no pgbouncer. Ask pgBouncerIsMissing() first.')
  const account = serverAccount()
  const { folder, remove } = ownFolder('fhir-auth-pgbouncer-', account)
  const port = await freePort()
  const { username } = new URL(server.url)
  const settings = join(folder, 'pgbouncer.ini')
  const lines = [
    '[databases]',
    `postgres = host=127.0.0.1 port=${server.port} user=${username}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    'pool_mode = transaction',
    'default_pool_size = 4',
  ]
  writeFileSync(settings, lines.join('\n'))
  const child = await startProgram(program, [settings], {
    readyLine: 'process up',
    options: { ...account, cwd: folder },
  })
  return {
    url: `postgres://${username}@127.0.0.1:${port}/postgres`,
    async close() {
      await endProgram(child, 'SIGKILL')
      remove()
    },
  }
}
