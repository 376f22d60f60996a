import type { ExecutionContext } from 'hono'
import { createPortal, type PortalSettings } from './app.ts'

let portal: ReturnType<typeof createPortal> | undefined

// On Workers settings come with the request: text bindings, and secrets.
export default {
  fetch(request: Request, env: PortalSettings, context: ExecutionContext): Response | Promise<Response> {
    portal ??= createPortal(env)
    return portal.fetch(request, env, context)
  },
}
