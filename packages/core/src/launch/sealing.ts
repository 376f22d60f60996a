export * from '../sealing.ts'
