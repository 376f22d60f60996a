import { createRequire } from 'node:module'

// Finds what is installed beside this file: Nest 11, where everything else here has Nest 12.
const require = createRequire(import.meta.url)

export const nest11 = {
  version: (): string => require('@nestjs/core/package.json').version,
  common: () => require('@nestjs/common'),
  core: () => require('@nestjs/core'),
  platformExpress: () => require('@nestjs/platform-express'),
  platformFastify: () => require('@nestjs/platform-fastify'),
  testing: () => require('@nestjs/testing'),
}
