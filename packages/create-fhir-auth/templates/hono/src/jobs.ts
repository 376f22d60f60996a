// #only backend
import type { BackendServices } from '@fhir-auth/hono'
import { Hono } from 'hono'
import { isStaff } from './staff.ts'

/** What your staff does with the app's own token. Nobody else gets past the first handler. */
export function jobs(backend: Pick<BackendServices, 'context'>, staffToken: string | undefined) {
  return new Hono()
    .use(async (c, next) => {
      if (!isStaff(c.req.header('authorization'), staffToken)) return c.text('Unauthorized', 401)
      return next()
    })
    .get('/patients', async (c) => {
      const fhir = await backend.context()
      return c.json(await fhir.json<object>('Patient?_count=10'))
    })
}
