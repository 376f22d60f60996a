import { startDemoServers } from './demo-servers.ts'
import { openInBrowser } from './open-in-browser.ts'
import { runPatientFlow } from './patient-flow.ts'
import { runSystemFlow } from './system-flow.ts'
import { failureCount, heading, line } from './transcript.ts'

// On a terminal the demo keeps serving until Ctrl-C; `--once`, or no terminal, ends it with an exit code.
const keepServing = process.stdout.isTTY === true && !process.argv.includes('--once')

const servers = await startDemoServers()
heading('fhir-auth: both InteliChart flows, against a real authorization server on this machine')
line('FHIR API', servers.sandbox.fhirBaseUrl)
line('Authorization host', servers.sandbox.issuer)
line('Portal', servers.portalOrigin)
line('Job', servers.jobOrigin)

await runPatientFlow(servers)
await runSystemFlow(servers)

const failures = failureCount()
heading(failures === 0 ? `All steps hold. Try it yourself: ${servers.portalOrigin}` : `${failures} steps failed.`)
process.exitCode = failures === 0 ? 0 : 1

const inspector = `${servers.sandbox.issuer}/inspector`
if (keepServing) {
  console.log(`Each step, with its rules: ${inspector}`)
  console.log('Ctrl-C ends it.')
  openInBrowser(inspector)
  process.once('SIGINT', () => void servers.close())
} else {
  await servers.close()
}
