import type { Framework } from '../servers/frameworks.ts'

/** A framework's middleware as a plain call: one request, all that the framework does around it left out. */
export interface Calls {
  readonly noOp: () => unknown
  /** Where the framework makes something for the first value of a request: one is attached, and nothing else done. */
  readonly attaching?: () => unknown
  readonly live: () => unknown
  readonly without: () => unknown
  /** Whether the live call really attached a context. */
  readonly isAttached: () => boolean
}

export async function callsOf(framework: Framework): Promise<Calls> {
  if (framework === 'express') return (await import('./captured-express.ts')).capture()
  if (framework === 'fastify') return (await import('./captured-fastify.ts')).capture()
  if (framework === 'hono') return (await import('./captured-hono.ts')).capture()
  return (await import('./captured-nest.ts')).capture()
}
