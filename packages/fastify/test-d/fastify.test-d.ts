// Compiled twice, with and without exactOptionalPropertyTypes: users have either.
import {
  backendServices,
  clientSecretBasic,
  createBackendServices,
  createSmartLaunch,
  type FhirContext,
  fhirErrors,
  intelichart,
  loadKeySet,
  requireFhir,
  type SmartLaunchOptions,
  smartLaunch,
} from '@fhir-auth/fastify'
import Fastify, { type FastifyInstance, type FastifyPluginAsync, type FastifyRequest } from 'fastify'

type Equals<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const isType = <_Claim extends true>(): void => {}

const maybe: string | undefined = process.env.MAYBE
const options: SmartLaunchOptions = {
  fhirBaseUrl: 'https://fhir.example.com',
  clientId: maybe,
  clientAuth: clientSecretBasic(maybe),
  dialect: intelichart(),
  redirectUri: 'https://portal.example.com/callback',
  scope: 'openid patient/*.rs',
  session: { secret: maybe, lifetimeSeconds: undefined },
  paths: { login: false, logout: undefined },
  afterLogin: undefined,
}
const launch = createSmartLaunch(options)
const backend = createBackendServices({
  fhirBaseUrl: 'https://fhir.example.com',
  clientId: maybe,
  keys: await loadKeySet(maybe),
  scope: 'system/*.rs',
})

isType<Equals<FastifyRequest['fhir'], FhirContext | null>>()

// On every kind of server that Fastify makes.
const app = Fastify()
app.register(smartLaunch, options)
app.register(smartLaunch, { ...options, problems: 'forward' })
app.register(smartLaunch, { launch, problems: undefined })
app.register(backendServices, { backend })
const secure = Fastify({ https: {} })
secure.register(smartLaunch, options)
secure.setErrorHandler(fhirErrors())
secure.get('/', { preHandler: requireFhir() }, async () => '')
const http2 = Fastify({ http2: true })
http2.register(smartLaunch, options)
http2.setErrorHandler(fhirErrors())
http2.get('/', { preHandler: requireFhir() }, async () => '')
const logging = Fastify({ logger: { level: 'info' } })
logging.register(smartLaunch, options)
logging.setErrorHandler(fhirErrors())
logging.get('/', { preHandler: [requireFhir()] }, async () => '')

// In scopes of one's own, as a hook of a scope, and on routes that have types of their own.
export const scope: FastifyPluginAsync = async (scope: FastifyInstance) => {
  await scope.register(smartLaunch, { launch })
  scope.addHook('preHandler', requireFhir())
  scope.addHook('onRequest', requireFhir())
}
const requirement = requireFhir({ scope: ['patient/Observation.rs'], patient: true }, { problems: undefined })
app.get<{ Params: { id: string }; Querystring: { page: number } }>(
  '/:id',
  { preHandler: requirement },
  async (request) => {
    // @ts-expect-error null where nobody is logged in
    request.fhir.patient
    return [request.params.id.length, request.query.page.toFixed(), request.fhir?.patient]
  },
)
app.route({ method: 'GET', url: '/', preHandler: [requirement], handler: async ({ fhir }) => fhir?.accessToken })

// @ts-expect-error the session is what every launch needs
app.register(smartLaunch, {
  fhirBaseUrl: 'https://a.example',
  clientId: 'a',
  redirectUri: 'https://a.example/b',
  scope: 'openid',
})
// @ts-expect-error a misspelt option
app.register(smartLaunch, { ...options, clientID: 'a' })
// @ts-expect-error an instance of the other kind
app.register(smartLaunch, { launch: backend })
// @ts-expect-error an instance of the other kind
app.register(backendServices, { backend: launch })
app.register(backendServices, {
  fhirBaseUrl: 'https://a.example',
  clientId: 'a',
  scope: 'system/*.rs',
  keys: undefined,
  // @ts-expect-error a backend has no redirect
  redirectUri: 'https://a.example/b',
})
// @ts-expect-error a misspelt way
app.register(smartLaunch, { ...options, problems: 'throw' })
// @ts-expect-error a misspelt requirement
requireFhir({ scopes: 'patient/*.rs' })

// What a launch or a system needs is required, though the environment may not have it.
const server = { fhirBaseUrl: maybe, clientId: maybe, scope: 'openid' }
app.register(smartLaunch, { ...server, redirectUri: maybe, session: { secret: maybe } })
app.register(backendServices, { ...server, keys: await loadKeySet(maybe) })
// @ts-expect-error no server, no client id, no redirect URI, no scope
app.register(smartLaunch, { session: { secret: maybe } })
// @ts-expect-error no redirect URI
app.register(smartLaunch, { ...server, session: { secret: maybe } })
// @ts-expect-error nothing at all
app.register(backendServices, {})
// @ts-expect-error neither keys nor clientAuth
app.register(backendServices, server)
