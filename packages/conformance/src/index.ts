export type { AdapterHost, Capabilities, StartedApp } from './adapter-host.ts'
export * from './app/index.ts'
export type { Theme } from './cases/index.ts'
export { describeAdapter, type SuiteOptions } from './describe-adapter.ts'
export { describeBehindNginx } from './describe-behind-nginx.ts'
export { startNodeApp } from './node-app.ts'
export { type PgBouncer, pgBouncerIsMissing, startPgBouncer } from './pg-bouncer.ts'
export {
  type PostgresServer,
  type PostgresServerOptions,
  type PostgresStandby,
  postgresIsMissing,
  postgresPrograms,
  startPostgresServer,
} from './postgres-server.ts'
export {
  type RedisServer,
  type RedisServerOptions,
  redisIsMissing,
  redisProgram,
  startRedisServer,
} from './redis-server.ts'
export { describeSessionStore, type OpenStore } from './session-store-contract.ts'
export { type AppAnswer, Visitor } from './visitor.ts'
