// Needs neither Node nor a test runner, so that apps in another process or runtime can use it.
export type { AppRecipe, BackendRecipe, LaunchRecipe, MountPath, RouteRecipe } from './app-recipe.ts'
export { type AppRoute, type AppSetup, createAppSetup, type InjectedParts } from './app-setup.ts'
export { answerOfError, type ErrorAnswer } from './error-answer.ts'
export type { FhirRead, HandlerName, RouteHandler, Whoami } from './handlers.ts'
