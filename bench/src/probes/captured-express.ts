import type { AddressInfo } from 'node:net'
import { smartLaunch } from '@fhir-auth/express'
import express, { type Request, type RequestHandler, type Response } from 'express'
import { createLaunch, logIn, OTHER_COOKIES } from '../support/fhir-login.ts'
import type { Calls } from './calls.ts'

/** A real request and response of Express, kept after the answer. */
async function exchange(cookie: string): Promise<{ req: Request; res: Response }> {
  const app = express()
  const caught = new Promise<{ req: Request; res: Response }>((resolve) => {
    app.use((req, res) => {
      res.send('ok')
      resolve({ req, res })
    })
  })
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/vitals?page=1`, { headers: { cookie } })
  server.close()
  server.closeAllConnections()
  return caught
}

export async function capture(): Promise<Calls> {
  const launch = createLaunch()
  const ours = smartLaunch(launch)
  const noOp: RequestHandler = (_req, _res, next) => next()
  const next = () => {}
  const live = await exchange(`${OTHER_COOKIES}; ${await logIn(launch)}`)
  const without = await exchange(OTHER_COOKIES)
  return {
    noOp: () => noOp(live.req, live.res, next),
    live: () => ours(live.req, live.res, next),
    without: () => ours(without.req, without.res, next),
    isAttached: () => live.req.fhir !== undefined && without.req.fhir === undefined,
  }
}
