import type { AddressInfo } from 'node:net'
import { encode } from '@auth/core/jwt'
import { type ExpressAuthConfig, getSession } from '@auth/express'
import { smartLaunch } from '@fhir-auth/express'
import { betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'
import { fromNodeHeaders } from 'better-auth/node'
import express, { type Express, type Request, type Response } from 'express'
import openidConnect from 'express-openid-connect'
import session from 'express-session'
import { SignJWT } from 'jose'
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

type Answer = (req: Request, res: Response) => void
// Not by send(), whose ETag and headers would be most of a bare server's work.
const answer: Answer = (_req, res) => void res.end('ok')

/** An answer for those with a session only, so that a lost one shows. */
function answerIf(has: (req: Request, res: Response) => unknown): Answer {
  return (req, res) => void (has(req, res) ? res.end('ok') : res.status(401).end('no session'))
}

async function listen(app: Express): Promise<string> {
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function plain(prepare: (app: Express) => void, answering = answer, cookie?: string): Promise<RunningServer> {
  const app = express()
  prepare(app)
  app.get('/', answering)
  return { url: await listen(app), cookie }
}

/** The port is part of the configuration of some, so it is known before the app is made. */
async function withOrigin(prepare: (app: Express, origin: string) => void): Promise<{ app: Express; origin: string }> {
  const app = express()
  const origin = await listen(app)
  prepare(app, origin)
  return { app, origin }
}

async function openidConnectServer(store?: session.Store): Promise<RunningServer> {
  const idToken = await new SignJWT({ sub: 'person', iss: 'https://idp.example.org/', aud: 'portal' })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1 day')
    .sign(new TextEncoder().encode(SECRET))
  const { origin } = await withOrigin((app, baseURL) => {
    app.use(
      openidConnect.auth({
        ...{
          issuerBaseURL: 'https://idp.example.org',
          baseURL,
          clientID: 'portal',
          secret: SECRET,
          authRequired: false,
        },
        ...(store && { session: { store: store as never } }), // its type of a store is its own
      }),
    )
    app.get('/begin', (req, res) => {
      const { accessToken, refreshToken, scope, patient } = sessionContent
      const tokens = { id_token: idToken, access_token: accessToken, refresh_token: refreshToken, scope, patient }
      Object.assign((req as unknown as { appSession: object }).appSession, tokens)
      res.send('ok')
    })
    app.get(
      '/',
      answerIf((req) => req.oidc.isAuthenticated()),
    )
  })
  return { url: origin, cookie: await sessionCookies(origin) }
}

async function sessionServer(): Promise<RunningServer> {
  const { origin } = await withOrigin((app) => {
    app.use(session({ secret: SECRET, resave: false, saveUninitialized: false }))
    app.get('/begin', (req, res) => {
      Object.assign(req.session, { fhir: sessionContent })
      res.send('ok')
    })
    app.get(
      '/',
      answerIf((req) => (req.session as unknown as { fhir?: object }).fhir),
    )
  })
  return { url: origin, cookie: await sessionCookies(origin) }
}

async function authJsServer(): Promise<RunningServer> {
  const config: ExpressAuthConfig = { providers: [], secret: SECRET, trustHost: true, basePath: '/auth' }
  const salt = 'authjs.session-token'
  const token = await encode({ token: { sub: 'person', name: 'Person', ...sessionContent }, secret: SECRET, salt })
  const { origin } = await withOrigin((app) => {
    app.use(async (req, res, next) => {
      res.locals.session = await getSession(req, config)
      next()
    })
    app.get(
      '/',
      answerIf((_req, res) => res.locals.session),
    )
  })
  return { url: origin, cookie: `${salt}=${token}` }
}

async function betterAuthServer(): Promise<RunningServer> {
  const { app, origin } = await withOrigin(() => {})
  const auth = betterAuth({
    ...{ baseURL: origin, secret: SECRET, emailAndPassword: { enabled: true }, telemetry: { enabled: false } },
    database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
    session: { cookieCache: { enabled: true, maxAge: 3600 } },
  })
  app.use(async (req, res, next) => {
    res.locals.session = await auth.api.getSession({ headers: fromNodeHeaders(req.headers) })
    next()
  })
  app.get(
    '/',
    answerIf((_req, res) => res.locals.session),
  )
  const body = { email: 'person@example.org', password: SECRET, name: 'Person' }
  const response = await auth.api.signUpEmail({ body, asResponse: true })
  const cookies = response.headers.getSetCookie().map((cookie) => cookie.split(';', 1)[0])
  return { url: origin, cookie: cookies.join('; ') }
}

export const expressVariants: Variants = {
  [BARE]: () => plain(() => {}),
  [TWIN]: () => plain(() => {}),
  [NO_OP]: () => plain((app) => app.use((_req, _res, next) => next())),
  [ATTACHING]: () =>
    plain((app) =>
      app.use((req: Request & { value?: object }, _res, next) => {
        if (req.headers.cookie !== undefined) req.value = sessionContent
        next()
      }),
    ),
  [OURS]: async () => {
    const launch = createLaunch()
    const cookie = `${OTHER_COOKIES}; ${await logIn(launch)}`
    return plain(
      (app) => app.use(smartLaunch(launch)),
      answerIf((req) => req.fhir),
      cookie,
    )
  },
  [OURS_WITHOUT]: () => plain((app) => app.use(smartLaunch(createLaunch())), answer, OTHER_COOKIES),
  'express-session, memory store': sessionServer,
  'express-openid-connect, memory store': () => openidConnectServer(new session.MemoryStore()),
  'express-openid-connect, cookie': () => openidConnectServer(),
  'better-auth, cookie cache': betterAuthServer,
  '@auth/express': authJsServer,
}
