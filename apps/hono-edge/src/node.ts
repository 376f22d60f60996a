import { serve } from '@hono/node-server'
import { createPortal } from './app.ts'

const { fetch } = createPortal(process.env)

serve({ fetch, port: Number(process.env.PORT ?? 3000) })
