import { createPortal } from './app.ts'

// bun run src/bun.ts: Bun serves what the module exports.
const { fetch } = createPortal(process.env)

export default { fetch, port: Number(process.env.PORT ?? 3000) }
