import type { AddressInfo } from 'node:net'
import { smartLaunch } from '@fhir-auth/hono'
import { type HttpBindings, serve } from '@hono/node-server'
import { getAuth, initOidcAuthMiddleware } from '@hono/oidc-auth'
import { type SessionEnv, useSession } from '@hono/session'
import { Hono } from 'hono'
import { createMiddleware } from 'hono/factory'
import { sign } from 'hono/jwt'
import { MemoryStore, type Session, sessionMiddleware } from 'hono-sessions'
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

async function listen(app: { fetch(request: Request): Response | Promise<Response> }): Promise<string> {
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
  await new Promise((resolve) => server.once('listening', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function plain(app: Hono, cookie?: string): Promise<RunningServer> {
  app.get('/', (c) => c.text('ok'))
  return { url: await listen(app), cookie }
}

async function oidcAuthServer(): Promise<RunningServer> {
  const settings = {
    ...{ OIDC_AUTH_SECRET: SECRET, OIDC_ISSUER: 'https://idp.example.org', OIDC_CLIENT_ID: 'portal' },
    OIDC_CLIENT_SECRET: SECRET,
  }
  const app = new Hono()
  app.use(initOidcAuthMiddleware(settings))
  app.get('/', async (c) => ((await getAuth(c)) ? c.text('ok') : c.text('no session', 401)))
  // The session of this library is a JWT, which it signs by this function.
  const now = Math.floor(Date.now() / 1000)
  const content = {
    sub: 'person',
    email: '',
    rtk: sessionContent.refreshToken,
    rtkexp: now + 86_400,
    ssnexp: now + 86_400,
  }
  return { url: await listen(app), cookie: `oidc-auth=${await sign(content, SECRET, 'HS256')}` }
}

async function sessionsServer(): Promise<RunningServer> {
  const app = new Hono<{ Variables: { session: Session<{ fhir: object }> } }>()
  app.use(
    sessionMiddleware({ store: new MemoryStore(), expireAfterSeconds: 3600, cookieOptions: { path: '/' } }) as never,
  )
  app.get('/begin', (c) => {
    c.get('session').set('fhir', sessionContent)
    return c.text('ok')
  })
  app.get('/', (c) => (c.get('session').get('fhir') ? c.text('ok') : c.text('no session', 401)))
  const url = await listen(app)
  return { url, cookie: await sessionCookies(url) }
}

async function sealedCookieServer(): Promise<RunningServer> {
  const app = new Hono<SessionEnv>()
  app.use(useSession({ secret: crypto.getRandomValues(new Uint8Array(32)), duration: { absolute: 86_400 } }))
  app.get('/begin', async (c) => {
    await c.var.session.update({ fhir: sessionContent } as never)
    return c.text('ok')
  })
  app.get('/', async (c) => ((await c.var.session.get()) ? c.text('ok') : c.text('no session', 401)))
  // Bound, since its type of the environment is narrower than the server's.
  const url = await listen({ fetch: (request) => app.fetch(request) })
  return { url, cookie: await sessionCookies(url) }
}

export const honoVariants: Variants = {
  [BARE]: () => plain(new Hono()),
  [TWIN]: () => plain(new Hono()),
  [NO_OP]: () => {
    const app = new Hono()
    app.use(createMiddleware((_c, next) => next()))
    return plain(app)
  },
  [ATTACHING]: () => {
    const app = new Hono()
    app.use(
      createMiddleware<{ Bindings: HttpBindings; Variables: { value: object } }>((c, next) => {
        const { incoming } = c.env
        if (incoming.headers.cookie !== undefined) c.set('value', sessionContent)
        return next()
      }),
    )
    return plain(app)
  },
  [OURS]: async () => {
    const launch = createLaunch()
    const app = new Hono()
    app.use(smartLaunch(launch))
    app.get('/', (c) => (c.get('fhir' as never) ? c.text('ok') : c.text('no session', 401)))
    return { url: await listen(app), cookie: `${OTHER_COOKIES}; ${await logIn(launch)}` }
  },
  [OURS_WITHOUT]: () => {
    const app = new Hono()
    app.use(smartLaunch(createLaunch()))
    return plain(app, OTHER_COOKIES)
  },
  'hono-sessions, memory store': sessionsServer,
  '@hono/oidc-auth': oidcAuthServer,
  '@hono/session, JWE cookie': sealedCookieServer,
}
