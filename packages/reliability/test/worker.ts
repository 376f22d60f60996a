import { clientSecretBasic, type FhirAuthEvent, type FhirContext, requireFhir, smartLaunch } from '@fhir-auth/express'
import express, { type ErrorRequestHandler } from 'express'
import { openStore, type StoreName } from './open-store.ts'

/** What one process of the app is told by its environment. */
export interface WorkerSettings {
  port: number
  store: StoreName
  storeUrl: string
  fhirBaseUrl: string
  clientId: string
  clientSecret: string
  sessionSecret: string
  redirectUri: string
  timeoutSeconds?: number | undefined
}

/** What a process tells of itself. */
export type WorkerMessage = { type: 'ready' } | { type: 'event'; event: FhirAuthEvent['type']; launchId?: string }

/** What the app answers: whose page it is, and by which token. */
export interface Whoami {
  session: unknown
  launchId: string | undefined
  patient: string | undefined
  /** Of a read of the patient. */
  readStatus?: number
}

const settings = JSON.parse(process.env.WORKER_SETTINGS ?? '') as WorkerSettings
const { port, store, storeUrl, clientSecret, sessionSecret, ...registration } = settings
const tell = (message: WorkerMessage) => void process.send?.(message)

const app = express()
app.use(
  smartLaunch({
    ...registration,
    clientAuth: clientSecretBasic(clientSecret),
    scope: 'openid fhirUser launch patient/*.rs offline_access',
    session: { secret: sessionSecret, store: await openStore(store, storeUrl) },
    // So that the sandbox's record shows which process has asked.
    fetch: (input, init) => {
      const headers = new Headers(init?.headers)
      headers.set('x-process', String(process.pid))
      return fetch(input, { ...init, headers })
    },
    onEvent: (event) =>
      tell({ type: 'event', event: event.type, ...('launchId' in event && { launchId: event.launchId }) }),
  }),
)
app.get('/whoami', requireFhir(), (req, res) => {
  res.json(whoami(req.fhir))
})
app.get('/read', requireFhir({ patient: true }), async ({ fhir }, res) => {
  if (!fhir) throw new Error('The guard has let a request without a context pass.')
  const read = await fhir.fetch(`Patient/${fhir.patient}`)
  const { id } = (await read.json()) as { id?: string } // a Patient, or an OperationOutcome
  res.json({ ...whoami(fhir), patient: id, readStatus: read.status })
})
const whoami = (fhir: FhirContext | undefined): Whoami => ({
  session: fhir?.launch.intent,
  launchId: fhir?.launchId,
  patient: fhir?.patient,
})
const answerError: ErrorRequestHandler = (error, _req, res, _next) => {
  if (error.retryAfterSeconds !== undefined || error.status === 503) {
    res.set('retry-after', String(error.retryAfterSeconds ?? 5))
  }
  res.status(error.status ?? 500).json({ code: error.code ?? String(error) })
}
app.use(answerError)
app.listen(port, '127.0.0.1', () => tell({ type: 'ready' }))
process.once('disconnect', () => process.exit())
