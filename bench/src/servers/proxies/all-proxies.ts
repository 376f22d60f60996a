import type { Framework } from '../frameworks.ts'
import type { ProxyVariants } from './proxy-variant.ts'

export async function proxyVariantsOf(framework: Framework): Promise<ProxyVariants> {
  if (framework === 'express') return (await import('./express.ts')).expressProxies
  if (framework === 'fastify') return (await import('./fastify.ts')).fastifyProxies
  if (framework === 'hono') return (await import('./hono.ts')).honoProxies
  return (await import('./nest.ts')).nestProxies
}
