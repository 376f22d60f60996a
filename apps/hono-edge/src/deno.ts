import { createPortal } from './app.ts'

declare const Deno: { env: { toObject(): Record<string, string> } }

// deno serve --allow-net --allow-env --port=3000 src/deno.ts
const { fetch } = createPortal(Deno.env.toObject())

export default { fetch }
