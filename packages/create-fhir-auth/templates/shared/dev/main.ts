import { startWithSandbox } from './with-sandbox.ts'

const origin = 'http://127.0.0.1:3000'
// #if onlyLogin
const { sandbox, close } = await startWithSandbox(origin)
// #end
// #if backend
const { sandbox, staffToken, close } = await startWithSandbox(origin)
// #end

console.log(`FHIR API: ${sandbox.fhirBaseUrl}, with invented patients`)
// #if login
console.log(`Log in:   ${origin}/me`)
// #end
// #if backend
console.log(`As staff: curl -H 'authorization: Bearer ${staffToken}' ${origin}/jobs/patients`)
// #end

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, close)
