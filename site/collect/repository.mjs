import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The top of the repository. */
export const root = resolve(fileURLToPath(new URL('../..', import.meta.url)))
export const REPOSITORY = 'https://github.com/fhir-auth/fhir-auth'
