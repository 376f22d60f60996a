import { createApp } from './app.ts'
import type { Environment } from './environment.ts'
import { createFhirAuth, idle } from './fhir-auth.ts'
import { listen } from './listen.ts'
import type { OpenStore } from './memory-store.ts'

/** Starts the app. `close` answers the requests that are there, lets refreshes finish, and closes the store last. */
export async function start(env: Environment, { store, close }: OpenStore) {
  const auth = await createFhirAuth(env, store)
  const app = {{await}}createApp(auth)
  const host = env.HOST || '127.0.0.1'
  const port = Number(env.PORT || 3000)
  const stopListening = await listen(app, port, host)
  return {
    host,
    port,
    async close() {
      await stopListening()
      await idle(auth)
      await close()
    },
  }
}
