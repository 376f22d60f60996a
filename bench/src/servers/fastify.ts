import cookie from '@fastify/cookie'
import secureSession from '@fastify/secure-session'
import session from '@fastify/session'
import { smartLaunch } from '@fhir-auth/fastify'
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { createLaunch, logIn, OTHER_COOKIES } from '../support/fhir-login.ts'
import {
  ATTACHING,
  BARE,
  NO_OP,
  OURS,
  OURS_WITHOUT,
  type RunningServer,
  sessionContent,
  sessionCookies,
  TWIN,
  type Variants,
} from './variant.ts'

const SECRET = crypto.randomUUID() + crypto.randomUUID()

async function serve(
  prepare: (app: FastifyInstance) => unknown,
  has: (request: FastifyRequest) => unknown = () => true,
): Promise<string> {
  const app = fastify()
  await prepare(app)
  app.get('/', (request, reply) => {
    if (has(request)) reply.send('ok')
    else reply.code(401).send('no session')
  })
  return app.listen({ port: 0, host: '127.0.0.1' })
}

async function sessionServer(register: (app: FastifyInstance) => Promise<void>): Promise<RunningServer> {
  const url = await serve(
    async (app) => {
      await register(app)
      app.get('/begin', (request, reply) => {
        request.session.set('fhir' as never, sessionContent as never) // each has a type of its own for what it holds
        reply.send('ok')
      })
    },
    (request) => request.session.get('fhir' as never),
  )
  return { url, cookie: await sessionCookies(url) }
}

export const fastifyVariants: Variants = {
  [BARE]: async () => ({ url: await serve(() => {}), cookie: undefined }),
  [TWIN]: async () => ({ url: await serve(() => {}), cookie: undefined }),
  [NO_OP]: async () => {
    const url = await serve((app) => app.addHook('onRequest', (_request, _reply, done) => done()))
    return { url, cookie: undefined }
  },
  [ATTACHING]: async () => {
    const url = await serve((app) =>
      app.decorateRequest('value', null).addHook('onRequest', (request, _reply, done) => {
        if (request.headers.cookie !== undefined) Object.assign(request, { value: sessionContent })
        done()
      }),
    )
    return { url, cookie: undefined }
  },
  [OURS]: async () => {
    const launch = createLaunch()
    const url = await serve(
      (app) => app.register(smartLaunch, { launch }),
      (request) => request.fhir,
    )
    return { url, cookie: `${OTHER_COOKIES}; ${await logIn(launch)}` }
  },
  [OURS_WITHOUT]: async () => {
    const url = await serve((app) => app.register(smartLaunch, { launch: createLaunch() }))
    return { url, cookie: OTHER_COOKIES }
  },
  '@fastify/session, memory store': () =>
    sessionServer(async (app) => {
      await app.register(cookie)
      await app.register(session, { secret: SECRET, cookie: { secure: false }, saveUninitialized: false })
    }),
  '@fastify/secure-session': () =>
    sessionServer(async (app) => {
      await app.register(secureSession, { key: Buffer.from(crypto.getRandomValues(new Uint8Array(32))) })
    }),
}
