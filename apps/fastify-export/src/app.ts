import { Readable } from 'node:stream'
import { type BackendServices, backendServices, fhirErrors, fhirOf, requireFhir } from '@fhir-auth/fastify'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { fetchFile } from './bulk-export.ts'
import { type ExportJob, ExportJobs } from './export-jobs.ts'
import { jobPage, jobStatus, progressScript, startPage } from './pages.ts'

export interface ExportAppConfig {
  /** The app's own access, made by `createBackendServices`; a command may share it. */
  backend: BackendServices
  /** Id of the Group to export. */
  group: string
  logger?: FastifyServerOptions['logger']
}

interface JobRoute {
  Params: { id: string }
}
interface FileRoute {
  Params: { id: string; index: string }
}

/** The export app: its public keys, a page that starts exports, their progress and their files. */
export function createExportApp({ backend, group, logger = false }: ExportAppConfig): FastifyInstance {
  // An open event stream must not delay the shutdown of the app.
  const app = Fastify({ logger, forceCloseConnections: true })
  app.setErrorHandler(fhirErrors())
  const jobs = new ExportJobs()
  app.addHook('onClose', () => jobs.cancelAll())

  // Serves /.well-known/jwks.json, where the authorization server finds the keys.
  app.register(backendServices, { backend })

  // The forms are buttons: they have no fields.
  const formType = 'application/x-www-form-urlencoded'
  app.addContentTypeParser(formType, { parseAs: 'string' }, (_request, _body, done) => done(null))
  app.addHook('onRequest', async (request, reply) => {
    const site = request.headers['sec-fetch-site'] ?? 'same-origin'
    if (request.method === 'POST' && site !== 'same-origin') await reply.code(403).send({ message: 'Not from here.' })
  })

  app.get('/', (_request, reply) => reply.type('text/html').send(startPage(group, jobs.list)))

  app.get('/progress.js', (_request, reply) => reply.type('text/javascript').send(progressScript))

  // The token is the app's own and says nothing about who asks: put this app behind your login.
  const mayExport = requireFhir({ scope: 'system/Group.r system/Patient.rs', visitor: 'unchecked' })
  app.post('/exports', { preHandler: mayExport }, (request, reply) => {
    const { id } = jobs.start(fhirOf(request), group)
    return reply.redirect(`/exports/${id}`, 303)
  })

  app.get<JobRoute>('/exports/:id', (request, reply) => {
    const job = jobs.find(request.params.id)
    return job ? reply.type('text/html').send(jobPage(group, job)) : reply.callNotFound()
  })

  app.get<JobRoute>('/exports/:id/events', (request, reply) => {
    const job = jobs.find(request.params.id)
    if (!job) return reply.callNotFound()
    return reply
      .headers({ 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      .send(Readable.from(eventsOf(job)))
  })

  app.post<JobRoute>('/exports/:id/cancel', async (request, reply) => {
    const job = jobs.find(request.params.id)
    if (!job) return reply.callNotFound()
    await job.cancel()
    return reply.redirect(`/exports/${job.id}`, 303)
  })

  // The file is sent through this app, so that the browser gets no token.
  app.get<FileRoute>('/exports/:id/files/:index', async (request, reply) => {
    const job = jobs.find(request.params.id)
    if (job?.state.kind !== 'complete') return reply.callNotFound()
    const { manifest } = job.state
    const file = manifest.output[Number(request.params.index)]
    if (!file) return reply.callNotFound()
    const { body } = await fetchFile(job.fhir, manifest, file)
    const name = `${file.type.replace(/\W/g, '')}.ndjson`
    return reply
      .headers({
        'content-type': 'application/fhir+ndjson',
        'content-disposition': `attachment; filename="${name}"`,
        'cache-control': 'no-store',
      })
      .send(body)
  })

  return app
}

/** Server-sent events: the status as HTML after each change, and `end` when there will be no more. */
async function* eventsOf(job: ExportJob): AsyncGenerator<string> {
  for await (const _ of job.states()) yield `${jobStatus(job).text.replace(/^/gm, 'data: ')}\n\n`
  yield 'event: end\ndata:\n\n'
}
