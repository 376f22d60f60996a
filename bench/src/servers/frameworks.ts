import type { Variants } from './variant.ts'

export type Framework = 'express' | 'fastify' | 'hono' | 'nest'

export const FRAMEWORKS: readonly Framework[] = ['express', 'fastify', 'hono', 'nest']

export async function variantsOf(framework: Framework): Promise<Variants> {
  if (framework === 'express') return (await import('./express.ts')).expressVariants
  if (framework === 'fastify') return (await import('./fastify.ts')).fastifyVariants
  if (framework === 'hono') return (await import('./hono.ts')).honoVariants
  return (await import('./nest.ts')).nestVariants
}
