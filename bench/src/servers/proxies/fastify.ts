import { fhirProxy, smartLaunch } from '@fhir-auth/fastify'
import fastify, { type FastifyInstance } from 'fastify'
import type { RunningServer } from '../variant.ts'
import { CONSTANT_TOKEN, loggedIn, PROXY_OPTIONS } from './proxy-setup.ts'
import { NO_PROXY, OUR_PROXY, type ProxyVariants } from './proxy-variant.ts'

async function serve(app: FastifyInstance, cookie?: string): Promise<RunningServer> {
  app.get('/', (_request, reply) => {
    reply.send('ok')
  })
  return { url: await app.listen({ port: 0, host: '127.0.0.1' }), cookie }
}

export const fastifyProxies: ProxyVariants = {
  [OUR_PROXY]: async (upstream) => {
    const { launch, cookie } = await loggedIn(upstream)
    const app = fastify()
    await app.register(smartLaunch, { launch })
    await app.register(fhirProxy, PROXY_OPTIONS)
    return serve(app, cookie)
  },
  [NO_PROXY]: async (upstream) => {
    const { launch, cookie } = await loggedIn(upstream)
    const app = fastify()
    await app.register(smartLaunch, { launch })
    return serve(app, cookie)
  },
  '@fastify/reply-from 12, constant token': async (upstream) => {
    // Here, because it puts its own undici in the place of Node's.
    const { default: replyFrom } = await import('@fastify/reply-from')
    const app = fastify()
    await app.register(replyFrom, { base: upstream })
    app.get('/fhir/*', (request, reply) => {
      reply.from(`/r4${request.url.slice('/fhir'.length)}`, {
        rewriteRequestHeaders: (_request, headers) => ({ ...headers, authorization: CONSTANT_TOKEN }),
      })
    })
    return serve(app)
  },
}
