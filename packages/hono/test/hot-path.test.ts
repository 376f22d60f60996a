import { startNodeApp } from '@fhir-auth/conformance'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { expect, it } from 'vitest'
import { countWork } from '../../core/test/support/counted-work.ts'
import { loggedIn } from '../../core/test/support/live-session.ts'
import { type FhirEnv, smartLaunch } from '../src/index.ts'

it('a request with a live session goes on at once, with no promise, no cryptography and no Headers made', async () => {
  const { launch, cookie } = await loggedIn()
  const middleware = smartLaunch(launch)
  const done = Promise.resolve()
  let made: object | undefined
  let accessToken: string | undefined
  const app = new Hono<FhirEnv>().use(async (c) => {
    const { result, ...counted } = countWork(() => middleware(c, () => done))
    await result
    made = counted
    accessToken = c.get('fhir')?.accessToken
    return c.text('ok')
  })
  const { origin } = await startNodeApp(() => getRequestListener(app.fetch))
  await fetch(`${origin}/vitals?page=1`, { headers: { cookie } })
  expect(accessToken).toBe('the-token')
  expect(made).toEqual({ promises: 0, cryptoCalls: 0, webObjects: 0 })
})
