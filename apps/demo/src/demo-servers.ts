import { randomBytes } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createPortal } from '@fhir-auth/express-portal'
import { createSandbox, type Sandbox } from '@fhir-auth/sandbox'
import { createJob } from './job.ts'

export interface DemoServers {
  sandbox: Sandbox
  portalOrigin: string
  jobOrigin: string
  clientSecret: string
  /** Paths of the requests that the job got. */
  jobRequests: readonly string[]
  close(): Promise<void>
}

const PORTAL_PORT = 3000

/** Starts InteliChart's two hosts (FHIR API and authorization server), the portal, and the job; all on this machine. */
export async function startDemoServers(): Promise<DemoServers> {
  const portal = await listen(PORTAL_PORT)
  const job = await listen(0)
  // What InteliChart hands out when an app registers.
  const clientSecret = randomBytes(24).toString('base64url')
  const sandbox = await createSandbox({
    mode: 'intelichart',
    inspector: true,
    clients: [
      { clientId: 'demo-portal', clientSecret, redirectUris: [`${portal.origin}/callback`] },
      { clientId: 'demo-job', jwksUrl: `${job.origin}/.well-known/jwks.json` },
    ],
  })
  portal.serve(
    createPortal({
      origin: portal.origin,
      fhirBaseUrl: sandbox.fhirBaseUrl,
      clientId: 'demo-portal',
      clientSecret,
      sessionSecret: randomBytes(32).toString('base64url'),
    }),
  )
  job.serve(await createJob({ origin: job.origin, fhirBaseUrl: sandbox.fhirBaseUrl, clientId: 'demo-job' }))
  return {
    sandbox,
    portalOrigin: portal.origin,
    jobOrigin: job.origin,
    clientSecret,
    jobRequests: job.requests,
    async close() {
      await Promise.all([portal.close(), job.close(), sandbox.close()])
    },
  }
}

/** Listens first and serves later: the origin is part of what the app registers. */
async function listen(preferredPort: number) {
  let listener: RequestListener = (_request, response) => response.writeHead(503).end()
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(request.url ?? '')
    listener(request, response)
  })
  const start = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject)
        resolve()
      })
    })
  await start(preferredPort).catch(() => start(0))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    serve(app: RequestListener) {
      listener = app
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
