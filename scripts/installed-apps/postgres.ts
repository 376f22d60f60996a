import { createBackendServices, createSmartLaunch } from '@fhir-auth/core'
import { postgresStore } from '@fhir-auth/postgres'
import pg from 'pg'
import { backendOptions, launchOptions, report } from './settings.js'

async function main(): Promise<void> {
  // A login that begins asks no store, so the pool connects to nothing. The older `pg` has no named exports.
  const store = postgresStore(new pg.Pool(), { schema: 'app' })
  const { session, ...options } = launchOptions()
  const backend = createBackendServices(await backendOptions())
  const launch = createSmartLaunch({ ...options, session: { ...session, store } })
  await report(async (path) => {
    const request = { method: 'GET', url: path, header: () => undefined }
    const handler = [launch, backend].find((one) => one.handles(path))
    if (handler === undefined)
      return new Response(null, { status: launch.contextFor(request) === undefined ? 401 : 200 })
    const { status, headers, body } = await handler.answer(request)
    return new Response(body, { status, headers })
  })
}

void main()
