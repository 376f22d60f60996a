// #only backend
import type { BackendServices } from '@fhir-auth/fastify'
import type { FastifyPluginAsync } from 'fastify'
import { isStaff } from './staff.ts'

/** What your staff does with the app's own token. Nobody else gets past the hook. */
export function jobs(backend: Pick<BackendServices, 'context'>, staffToken: string | undefined): FastifyPluginAsync {
  return async (app) => {
    app.addHook('onRequest', async (request, reply) => {
      if (!isStaff(request.headers.authorization, staffToken)) await reply.code(401).send({ error: 'Unauthorized' })
    })

    app.get('/patients', async () => {
      const fhir = await backend.context()
      return fhir.json('Patient?_count=10')
    })
  }
}
