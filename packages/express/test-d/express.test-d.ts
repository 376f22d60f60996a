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
} from '@fhir-auth/express'
import express, { type Request, type RequestHandler } from 'express'

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

// Express has one type for all requests, so nobody knows from it whether there is a token.
isType<Equals<Request['fhir'], FhirContext | undefined>>()

// On an app, on a path of it, on a router.
const app = express()
app.use(smartLaunch(options))
app.use('/ehr', smartLaunch(launch, { problems: 'forward' }), backendServices(backend, { problems: undefined }))
export const router = express.Router().use(smartLaunch(launch), requireFhir())
isType<Equals<ReturnType<typeof smartLaunch>, RequestHandler>>()

// Before a handler that has types of its own, alone and in a list.
const requirement = requireFhir({ scope: ['patient/Observation.rs'], patient: true }, { problems: undefined })
app.get('/:id', requirement, (req, res) => {
  // @ts-expect-error there may be no token
  req.fhir.patient
  isType<Equals<typeof req.params.id, string>>()
  res.json({ id: req.params.id, patient: req.fhir?.patient, token: req.fhir?.accessToken })
})
app.use(fhirErrors())
app.get('/', [requirement, requireFhir({ encounter: undefined })])
export const handler: RequestHandler<{ id: string }, unknown, unknown, { page?: string }> = (req, res) => {
  res.json([req.params.id.length, req.query.page?.length, req.fhir?.scope.covers('patient/Observation.r')])
}
app.get('/:id/vitals', requireFhir(), handler)

// What the app adds to its requests stays.
interface RequestWithId extends Request {
  requestId: string
}
export const patientOf = ({ requestId, fhir }: RequestWithId): string => `${requestId}: ${fhir?.patient ?? 'nobody'}`

// @ts-expect-error only a whole context is one
express.request.fhir = { accessToken: '' }

// @ts-expect-error the session is what every launch needs
smartLaunch({ fhirBaseUrl: 'https://a.example', clientId: 'a', redirectUri: 'https://a.example/b', scope: 'openid' })
// @ts-expect-error a misspelt option
smartLaunch({ ...options, clientID: 'a' })
// @ts-expect-error an instance of the other kind
smartLaunch(backend)
// @ts-expect-error an instance of the other kind
backendServices(launch)
const job = { fhirBaseUrl: 'https://a.example', clientId: 'a', scope: 'system/*.rs', keys: undefined }
// @ts-expect-error a backend has no redirect
backendServices({ ...job, redirectUri: 'https://a.b/c' })
// @ts-expect-error a misspelt way
smartLaunch(options, { problems: 'throw' })
// @ts-expect-error a misspelt requirement
requireFhir({ scopes: 'patient/*.rs' })
// @ts-expect-error it wants to know what for, not of whom
requireFhir({ patient: 'a' })

// What a launch needs is required, though the environment may not have it.
const session = { secret: maybe }
const server = { fhirBaseUrl: maybe, clientId: maybe, scope: 'openid' }
smartLaunch({ ...server, redirectUri: maybe, session })
smartLaunch({ registrations: [{ fhirBaseUrl: 'https://a.example', clientId: maybe, redirectUri: maybe }], session })
smartLaunch({ registrations: async () => undefined, redirectUri: maybe, scope: 'openid', session })
// @ts-expect-error no server, no client id, no redirect URI, no scope
smartLaunch({ session })
// @ts-expect-error no redirect URI
smartLaunch({ ...server, session })
// @ts-expect-error no server
smartLaunch({ clientId: maybe, scope: 'openid', redirectUri: maybe, session })
// @ts-expect-error no client id
smartLaunch({ fhirBaseUrl: maybe, scope: 'openid', redirectUri: maybe, session })
// @ts-expect-error no scope
smartLaunch({ fhirBaseUrl: maybe, clientId: maybe, redirectUri: maybe, session })
// @ts-expect-error one server, and several
smartLaunch({ ...server, redirectUri: maybe, registrations: [], session })
// @ts-expect-error a way to authenticate that belongs inside a registration
smartLaunch({ registrations: [], clientAuth: clientSecretBasic(maybe), session })

// The same for a system, which needs keys or another way to authenticate.
backendServices({ ...server, keys: await loadKeySet(maybe) })
backendServices({ ...server, clientAuth: clientSecretBasic(maybe) })
backendServices({ registrations: async () => undefined, scope: 'system/*.rs' })
// @ts-expect-error nothing at all
backendServices({})
// @ts-expect-error neither keys nor clientAuth
backendServices(server)
// @ts-expect-error no scope
backendServices({ fhirBaseUrl: maybe, clientId: maybe, keys: undefined })
