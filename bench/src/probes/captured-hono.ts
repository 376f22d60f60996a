import type { AddressInfo } from 'node:net'
import { smartLaunch } from '@fhir-auth/hono'
import { serve } from '@hono/node-server'
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { createLaunch, logIn, OTHER_COOKIES } from '../support/fhir-login.ts'
import type { Calls } from './calls.ts'

/** Makes contexts as Hono on Node gets them: each with a request whose headers nobody has read yet. */
async function contexts(cookie: string): Promise<() => Context> {
  const app = new Hono()
  const caught = new Promise<() => Context>((resolve) => {
    app.use((c) => {
      const { raw } = c.req
      const untouched = { prototype: Object.getPrototypeOf(raw), members: { ...raw } }
      const Constructor = c.constructor as new (raw: Request, options: object) => Context
      const { env } = c
      resolve(() => {
        const request = Object.assign(Object.create(untouched.prototype), untouched.members)
        const context = new Constructor(request, { env, path: '/vitals' })
        // As Hono itself does before it calls any middleware.
        context.req.routeIndex = 0
        return context
      })
      return Promise.resolve(c.text('ok'))
    })
  })
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
  await new Promise((resolve) => server.once('listening', resolve))
  await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/vitals?page=1`, { headers: { cookie } })
  server.close()
  return caught
}

export async function capture(): Promise<Calls> {
  const launch = createLaunch()
  const ours = smartLaunch(launch)
  const noOp: MiddlewareHandler = (_c, next) => next()
  const attaching: MiddlewareHandler = (c, next) => {
    c.set('value', launch)
    return next()
  }
  const done = Promise.resolve()
  const next = () => done
  const live = await contexts(`${OTHER_COOKIES}; ${await logIn(launch)}`)
  const without = await contexts(OTHER_COOKIES)
  const attached = async (context: Context) => {
    await ours(context, next)
    return context.get('fhir') !== undefined
  }
  const isAttached = (await attached(live())) && !(await attached(without()))
  return {
    noOp: () => noOp(live(), next),
    attaching: () => attaching(live(), next),
    live: () => ours(live(), next),
    without: () => ours(without(), next),
    isAttached: () => isAttached,
  }
}
