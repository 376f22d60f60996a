// Without Node and without a test runner: for apps in another process or runtime.
export type { AppRecipe, BackendRecipe, LaunchRecipe, MountPath, RouteRecipe } from './app-recipe.ts'
export { type AppRoute, type AppSetup, createAppSetup, type InjectedParts } from './app-setup.ts'
export { answerOfError, type ErrorAnswer } from './error-answer.ts'
export type { FhirRead, HandlerName, RouteHandler, Whoami } from './handlers.ts'
