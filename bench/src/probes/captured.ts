import type { Framework } from '../servers/frameworks.ts'
import type { Calls } from './calls.ts'

export async function callsOf(framework: Framework): Promise<Calls> {
  if (framework === 'express') return (await import('./captured-express.ts')).capture()
  if (framework === 'fastify') return (await import('./captured-fastify.ts')).capture()
  if (framework === 'hono') return (await import('./captured-hono.ts')).capture()
  return (await import('./captured-nest.ts')).capture()
}
