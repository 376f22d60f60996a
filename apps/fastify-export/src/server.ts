import { createExportApp } from './app.ts'
import { loadSettings } from './settings.ts'

const app = createExportApp({ ...(await loadSettings(process.env)), logger: true })
await app.listen({ port: Number(process.env.PORT ?? 3000) })

// Exports that run are cancelled at the FHIR server too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void app.close())
