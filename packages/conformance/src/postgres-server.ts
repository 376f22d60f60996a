import { type ChildProcess, execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Account,
  childrenOf,
  endProgram,
  folderOnPath,
  freePort,
  hasEnded,
  isProgram,
  ownFolder,
  serverAccount,
  signalIfThere,
  startProgram,
} from './server-program.ts'

export interface PostgresServer {
  /** A URL for its superuser, who needs no password. */
  readonly url: string
  readonly port: number
  /** Its process id, which changes with each restart. */
  readonly pid: number
  /** Freezes it with all its connections: they stay open, and nothing answers. */
  pause(): void
  resume(): void
  /** Ends it at once, without a checkpoint. At the next start, it recovers committed data from its log. */
  kill(): Promise<void>
  /** Starts it again on the same port and folder; ends it first if it runs. */
  restart(): Promise<void>
  /** Starts a standby, which gets all commits and refuses writes until it is promoted. It is closed with this server. */
  startStandby(): Promise<PostgresStandby>
  close(): Promise<void>
}

export interface PostgresStandby extends PostgresServer {
  /** Makes it a primary. */
  promote(): void
}

export interface PostgresServerOptions {
  /** Whether each commit waits for the disk, as in production. Default false. */
  durable?: boolean | undefined
}

const USER = 'fhir_auth_test'

/** The folder of the programs: `POSTGRES_BIN`, else the newest of Debian's, which are not on the PATH, else the PATH. */
export const postgresPrograms: string | undefined =
  process.env.POSTGRES_BIN ?? debianPrograms() ?? folderOnPath('initdb')

let isReported = false

/**
 * For `describe.skipIf(postgresIsMissing())`: no PostgreSQL programs, and no `DATABASE_URL` of a server that runs. With
 * `mustBeStarted`, for tests that pause or kill it, the programs alone count.
 *
 * @throws where a server is missing and `FHIR_AUTH_TEST_ALL` says that nothing may be skipped
 */
export function postgresIsMissing({ mustBeStarted = false } = {}): boolean {
  if (postgresPrograms !== undefined || (!mustBeStarted && process.env.DATABASE_URL !== undefined)) return false
  const line = `Skipped: no PostgreSQL found. Install it, or set POSTGRES_BIN to the folder of its programs${mustBeStarted ? '' : ' or DATABASE_URL to a running one'}.`
  if (process.env.FHIR_AUTH_TEST_ALL) throw new Error(line)
  if (!isReported) console.warn(line)
  isReported = true
  return true
}

/**
 * A private PostgreSQL on a free port of 127.0.0.1, in a folder of its own, which ends with this process at the latest.
 * Without its programs it is the shared one at `DATABASE_URL`, which can be neither paused nor killed.
 */
export async function startPostgresServer(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const programs = postgresPrograms
  if (programs === undefined) return sharedServer()
  const account = serverAccount()
  const { folder, remove } = ownFolder('fhir-auth-postgres-', account)
  const quick = ['--no-sync', '--no-instructions', '--encoding', 'UTF8', '--locale', 'C']
  const initialise = ['--pgdata', folder, '--username', USER, '--auth', 'trust', ...quick]
  execFileSync(join(programs, 'initdb'), initialise, {
    ...account,
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return runServer({ programs, folder, remove, account, options })
}

interface Installation {
  readonly programs: string
  readonly folder: string
  readonly remove: () => void
  readonly account: Account
  readonly options: PostgresServerOptions
}

async function runServer(installation: Installation): Promise<PostgresServer> {
  const { programs, folder, account, options } = installation
  const inFolder = { ...account, cwd: folder }
  const port = await freePort()
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: options.durable ? 'on' : 'off',
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const start = {
    readyLine: 'ready to accept',
    // An immediate shutdown. Killed, it would leave its connections behind.
    lastSignal: 'SIGQUIT',
    options: inFolder,
  } as const
  const standbys: PostgresServer[] = []
  let running: ChildProcess | undefined
  const run = async () => {
    running = await startProgram(join(programs, 'postgres'), ['-D', folder, ...flags], start)
  }
  const kill = () => endProgram(running, 'SIGQUIT')
  const pidOf = () => {
    if (running?.pid === undefined || hasEnded(running)) throw new Error('This PostgreSQL does not run.')
    return running.pid
  }
  /** The server first and then its connections, so that it starts no new one meanwhile. */
  const signalAll = (signal: NodeJS.Signals) => {
    const pid = pidOf()
    process.kill(pid, signal)
    for (const child of childrenOf(pid)) signalIfThere(child, signal)
  }
  const close = async () => {
    for (const standby of standbys) await standby.close()
    await kill()
    installation.remove()
  }
  try {
    await run()
  } catch (error) {
    await close()
    throw error
  }
  return {
    url: `postgres://${USER}@127.0.0.1:${port}/postgres`,
    port,
    get pid() {
      return pidOf()
    },
    pause: () => signalAll('SIGSTOP'),
    resume: () => signalAll('SIGCONT'),
    kill,
    restart: async () => {
      await kill()
      await run()
    },
    async startStandby() {
      const { folder: copy, remove } = ownFolder('fhir-auth-standby-', account)
      const primary = ['--host', '127.0.0.1', '--port', String(port), '--username', USER]
      const how = ['--write-recovery-conf', '--checkpoint', 'fast', '--no-sync']
      execFileSync(join(programs, 'pg_basebackup'), ['--pgdata', copy, ...primary, ...how], inFolder)
      const standby = await runServer({ ...installation, folder: copy, remove })
      standbys.push(standby)
      const promote = () => {
        execFileSync(join(programs, 'pg_ctl'), ['promote', '--pgdata', copy, '--wait'], {
          ...inFolder,
          stdio: 'ignore',
        })
      }
      return Object.assign(standby, { promote })
    },
    close,
  }
}

function debianPrograms(): string | undefined {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return undefined
  const newestFirst = readdirSync(root).sort((one, other) => Number(other) - Number(one))
  return newestFirst.map((version) => join(root, version, 'bin')).find((folder) => isProgram(join(folder, 'initdb')))
}

function sharedServer(): PostgresServer {
  const url = process.env.DATABASE_URL
  if (url === undefined) throw new Error('There is no PostgreSQL. Ask postgresIsMissing() first.')
  const refuse = (): never => {
    throw new Error('The PostgreSQL at DATABASE_URL is shared. Install its programs for this test.')
  }
  return {
    url,
    port: Number(new URL(url).port || 5432),
    get pid() {
      return refuse()
    },
    pause: refuse,
    resume: refuse,
    kill: async () => refuse(),
    restart: async () => refuse(),
    startStandby: async () => refuse(),
    close: async () => {},
  }
}
