import { execFileSync } from 'node:child_process'
import {
  postgresIsMissing,
  postgresPrograms,
  redisIsMissing,
  redisProgram,
  startPostgresServer,
  startRedisServer,
} from '@fhir-auth/conformance'
import type { StoreName } from './open-store.ts'

/** The server of a shared store, which can be disturbed. */
export interface StoreServer {
  readonly url: string
  /** Stops it in its tracks: connections stay, nothing answers. */
  pause(): void
  resume(): void
  kill(): Promise<void>
  /** On the same port, with what it had written. */
  restart(): Promise<void>
  close(): Promise<void>
}

/** A kind of shared store: how people call it, and how one is started for a test. */
export interface StoreKind {
  readonly name: StoreName
  readonly title: string
  isMissing(): boolean
  version(): string
  start(): Promise<StoreServer>
}

export const storeKinds: Record<StoreName, StoreKind> = {
  redis: {
    name: 'redis',
    title: 'Redis',
    isMissing: () => redisIsMissing({ mustBeStarted: true }),
    version: () => versionOf(redisProgram),
    start: () => startRedisServer({ appendOnly: true }),
  },
  postgres: {
    name: 'postgres',
    title: 'PostgreSQL',
    isMissing: () => postgresIsMissing({ mustBeStarted: true }),
    version: () => versionOf(`${postgresPrograms}/postgres`),
    start: () => startPostgresServer({ durable: true }),
  },
}

function versionOf(program: string | undefined): string {
  const said = execFileSync(program ?? '', ['--version'], { encoding: 'utf8' })
  return /\d+(\.\d+)+/.exec(said)?.[0] ?? said
}
