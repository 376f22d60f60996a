// Written beside the bundle for each app that is started.
import type { AppRecipe } from '@fhir-auth/conformance/app'

export const origin: string
export const port: number
export const recipe: AppRecipe
