import fastify, { type FastifyReply, type FastifyRequest, type onRequestHookHandler } from 'fastify'
import { expect, it } from 'vitest'
import { countWork } from '../../core/test/support/counted-work.ts'
import { loggedIn } from '../../core/test/support/live-session.ts'
import { smartLaunch } from '../src/index.ts'

it('a request with a live session goes on at once, with no promise, no cryptography and no Headers made', async () => {
  const { launch, cookie } = await loggedIn()
  const app = fastify()
  const hooks: onRequestHookHandler[] = []
  const addHook = app.addHook.bind(app) as unknown as (name: string, hook: onRequestHookHandler) => unknown
  app.addHook = ((name: string, hook: onRequestHookHandler) => {
    hooks.push(hook)
    return addHook(name, hook)
  }) as unknown as typeof app.addHook // of its overloads, the one that the plugin uses
  await app.register(smartLaunch, { launch })
  const [hook] = hooks
  const request = { method: 'GET', url: '/vitals?page=1', headers: { cookie } } as FastifyRequest // what is read
  let calls = 0
  const done = () => {
    calls++
  }
  const { result: _, ...made } = countWork(() => hook?.call(app, request, {} as FastifyReply, done))
  expect(calls).toBe(1)
  expect(request.fhir?.accessToken).toBe('the-token')
  expect(made).toEqual({ promises: 0, cryptoCalls: 0, webObjects: 0 })
})
