import { smartLaunch } from '@fhir-auth/fastify'
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { createLaunch, logIn, OTHER_COOKIES } from '../support/fhir-login.ts'
import type { Calls } from './calls.ts'

type Hook = (request: FastifyRequest, reply: FastifyReply, done: () => void) => void

export async function capture(): Promise<Calls> {
  const launch = createLaunch()
  const app = fastify()
  const hooks: Hook[] = []
  const addHook = app.addHook.bind(app) as (name: string, hook: Hook) => unknown
  app.addHook = ((name: string, hook: Hook) => {
    hooks.push(hook)
    return addHook(name, hook)
  }) as never // of its many overloads, the one that is used here
  await app.register(smartLaunch, { launch })
  const exchanges: { request: FastifyRequest; reply: FastifyReply }[] = []
  app.get('/vitals', (request, reply) => {
    exchanges.push({ request, reply })
    reply.send('ok')
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  for (const cookie of [`${OTHER_COOKIES}; ${await logIn(launch)}`, OTHER_COOKIES]) {
    await fetch(`${url}/vitals?page=1`, { headers: { cookie } })
  }
  await app.close()
  const [live, without] = exchanges
  const [ours] = hooks
  if (!live || !without || !ours) throw new Error('Fastify did not call the hook.')
  const noOp: Hook = (_request, _reply, done) => done()
  const done = () => {}
  return {
    noOp: () => noOp(live.request, live.reply, done),
    live: () => ours(live.request, live.reply, done),
    without: () => ours(without.request, without.reply, done),
    isAttached: () => live.request.fhir !== null && without.request.fhir === null,
  }
}
