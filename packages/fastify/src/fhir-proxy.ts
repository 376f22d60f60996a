import { createFhirProxy, FhirAuthError, type FhirProxy, type FhirProxyOptions } from '@fhir-auth/core'
import { NodeStreamedRequest, sendStreamOnNode } from '@fhir-auth/core/adapter'
import type { FastifyInstance, FastifyPluginAsync, FastifySchema } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { findingOf } from './plugins.ts'

/** Options of a FHIR proxy, or `proxy`: an instance made by `createFhirProxy`. */
export type FhirProxyPluginOptions = FhirProxyOptions | { proxy: FhirProxy }

/**
 * Lets pages of the app read and write FHIR below a path, with the token of their session, which they never see. Register it
 * after `smartLaunch`, in the same scope.
 *
 * @throws `invalid_option` for wrong options, when the app gets ready
 */
export const fhirProxy: FastifyPluginAsync<FhirProxyPluginOptions> = fastifyPlugin(
  async function fhirProxy(fastify: FastifyInstance, options: FhirProxyPluginOptions) {
    const proxy = 'proxy' in options ? options.proxy : createFhirProxy(options)
    addRoutes(fastify, proxy)
    // In onRequest nobody has read the body yet, so no parser changes it.
    fastify.addHook('onRequest', async (request, reply) => {
      if (!proxy.handles(request.url)) return
      const asked = new NodeStreamedRequest(request.raw, reply.raw, request.url)
      const answer = await proxy.answer(asked, findingOf(request))
      // Headers that the app's other hooks have set stay.
      const before = reply.getHeaders()
      reply.hijack()
      for (const [name, value] of Object.entries(before)) if (value !== undefined) reply.raw.setHeader(name, value)
      await sendStreamOnNode(answer, reply.raw)
    })
  },
  { name: 'fhir-auth-fhir-proxy', fastify: '5.x' },
)

/** Fastify runs the hooks of a scope only for its routes. */
function addRoutes(fastify: FastifyInstance, { paths: { folder, session } }: FhirProxy): void {
  const { prefix } = fastify
  for (const path of [folder, `${folder}/*`, ...(session === undefined ? [] : [session])]) {
    if (!path.startsWith(`${prefix}/`)) {
      throw new FhirAuthError(
        'invalid_option',
        `${path} is outside the prefix ${prefix} of this scope, so the plugin would never get a request for it. Begin path and session with the prefix, or register the plugin in the scope above.`,
      )
    }
    fastify.all(path.slice(prefix.length), {
      schema: { hide: true } as FastifySchema,
      // Only reached if the router matches this path and core does not, for example with other case.
      handler: (_request, reply) => reply.callNotFound(),
    })
  }
}
