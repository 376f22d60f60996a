export { type ExitCode, exitCodes } from './exit-codes.ts'
export { type MainOptions, main } from './main.ts'
export type { Environment, Output } from './output.ts'
