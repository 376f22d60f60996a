// #only backend
import type { BackendServices } from '@fhir-auth/express'
import { Router } from 'express'
import { isStaff } from './staff.ts'

/** What your staff does with the app's own token. Nobody else gets past the first handler. */
export function jobs(backend: Pick<BackendServices, 'context'>, staffToken: string | undefined) {
  const router = Router()
  router.use((req, res, next) => {
    if (isStaff(req.get('authorization'), staffToken)) next()
    else res.sendStatus(401)
  })
  router.get('/patients', async (_req, res) => {
    const fhir = await backend.context()
    res.json(await fhir.json('Patient?_count=10'))
  })
  return router
}
