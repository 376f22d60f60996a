// Compiled twice, with and without exactOptionalPropertyTypes: users have either.
import {
  backendServices,
  clientSecretBasic,
  createBackendServices,
  createSmartLaunch,
  type FhirContext,
  type FhirEnv,
  fhirErrors,
  type GuardedFhirEnv,
  intelichart,
  loadKeySet,
  requireFhir,
  type SmartLaunchOptions,
  smartLaunch,
} from '@fhir-auth/hono'
import { type Context, Hono } from 'hono'

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

// Where smartLaunch() is mounted, there may be a token; behind requireFhir() there is one.
new Hono()
  .use(smartLaunch(options, { problems: 'forward' }))
  .get('/', (c) => {
    isType<Equals<typeof c.var.fhir, FhirContext | undefined>>()
    // @ts-expect-error nobody may be logged in
    return c.text(c.var.fhir.accessToken)
  })
  .get('/vitals', requireFhir({ scope: ['patient/Observation.rs'], patient: true }, { problems: undefined }), (c) => {
    isType<Equals<typeof c.var.fhir.patient, string | undefined>>()
    isType<FhirContext extends typeof c.var.fhir ? true : false>()
    return c.text(c.get('fhir').accessToken)
  })

// Where nothing is mounted, there is no such variable: no global map says otherwise.
new Hono().get('/', (c) => {
  // @ts-expect-error smartLaunch() is not mounted
  c.var.fhir
  return c.text('')
})

// A whole guarded sub-app, and handlers of their own.
new Hono().use(requireFhir()).get('/', (c) => c.text(c.var.fhir.accessToken))
export const handler = (c: Context<FhirEnv>): string | undefined => c.var.fhir?.patient
export const guardedHandler = (c: Context<GuardedFhirEnv>): string | undefined => c.var.fhir.patient

new Hono<FhirEnv>().onError(fhirErrors())
new Hono().onError(fhirErrors((error, c) => c.text(error.message, 500)))

// The app's own variables and bindings stay.
new Hono<{ Variables: { requestId: string }; Bindings: { CLIENT_ID: string } }>()
  .use(smartLaunch(launch))
  .get('/', (c) => {
    isType<Equals<typeof c.var.requestId, string>>()
    isType<Equals<typeof c.env.CLIENT_ID, string>>()
    return c.text(c.var.fhir?.patient ?? '')
  })
new Hono().use(backendServices(backend)).get('/', (c) => c.text(c.var.fhir?.accessToken ?? ''))

// @ts-expect-error the session is what every launch needs
smartLaunch({
  fhirBaseUrl: 'https://fhir.example.com',
  clientId: 'a',
  redirectUri: 'https://a.example/b',
  scope: 'openid',
})
// @ts-expect-error a misspelt option
smartLaunch({ ...options, clientID: 'a' })
// @ts-expect-error an instance of the other kind
smartLaunch(backend)
// @ts-expect-error an instance of the other kind
backendServices(launch)
backendServices({
  fhirBaseUrl: 'https://fhir.example.com',
  clientId: 'a',
  scope: 'system/*.rs',
  keys: undefined,
  // @ts-expect-error a backend has no redirect
  redirectUri: 'https://a.example/b',
})
// @ts-expect-error a misspelt way
smartLaunch(options, { problems: 'throw' })
// @ts-expect-error a misspelt requirement
requireFhir({ scopes: 'patient/*.rs' })

// What a launch or a system needs is required, though the environment may not have it.
const server = { fhirBaseUrl: maybe, clientId: maybe, scope: 'openid' }
smartLaunch({ ...server, redirectUri: maybe, session: { secret: maybe } })
backendServices({ ...server, keys: await loadKeySet(maybe) })
// @ts-expect-error no server, no client id, no redirect URI, no scope
smartLaunch({ session: { secret: maybe } })
// @ts-expect-error no redirect URI
smartLaunch({ ...server, session: { secret: maybe } })
// @ts-expect-error nothing at all
backendServices({})
// @ts-expect-error neither keys nor clientAuth
backendServices(server)
