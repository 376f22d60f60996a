import { createExportApp } from './app.ts'
import { loadSettings } from './settings.ts'

const app = createExportApp({ ...(await loadSettings(process.env)), logger: true })
await app.listen({ port: Number(process.env.PORT ?? 3000) })
