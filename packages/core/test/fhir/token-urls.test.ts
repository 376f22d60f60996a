import { createUserAgent } from '@fhir-auth/sandbox'
import { expect, it } from 'vitest'
import { clientSecretBasic, createBackendServices, createSmartLaunch, type FhirContext } from '../../src/index.ts'
import { startCoreApp } from '../support/core-app.ts'
import { startServer } from '../support/http-server.ts'
import { startSandbox } from '../support/registered-client.ts'
import { grantOf, sendJson } from '../support/token-server.ts'

// A server that keeps the files of an export beside its FHIR base, and wants the token for them.

const FILE = '{"resourceType":"Patient"}\n'

it('RSP-10 a backend reads files beside the FHIR base, once their place is in tokenUrls', async () => {
  const server = await startServer((request, response) => {
    if (request.url === '/x/token') return sendJson(response, grantOf(1))
    if (request.url === '/x/fhir/.well-known/smart-configuration') {
      return sendJson(response, { token_endpoint: `${server.origin}/x/token` })
    }
    response.writeHead(request.headers.authorization === 'Bearer token-1' ? 200 : 401).end(FILE)
  })
  const registration = {
    ...{ fhirBaseUrl: `${server.origin}/x/fhir`, clientId: 'job', scope: 'system/Patient.rs' },
    clientAuth: clientSecretBasic('the-client-secret'),
  }
  const file = `${server.origin}/x/bulkfiles/1`
  const refusing = await createBackendServices(registration).context()
  await expect(refusing.fetch(file)).rejects.toMatchObject({ code: 'url_outside_fhir_base' })
  const tokenUrls = [`${server.origin}/x/bulkfiles`]
  for (const options of [{ ...registration, tokenUrls }, { registrations: [{ ...registration, tokenUrls }] }]) {
    const fhir = await createBackendServices(options).context()
    expect(await (await fhir.fetch(file)).text()).toBe(FILE)
  }
})

it.each(['one registration', 'a list', 'a resolver'])('RSP-10 so does a launch, with %s', async (how) => {
  const files = await startServer((_request, response) => void response.end(FILE))
  const sandbox = await startSandbox({ consent: 'auto' })
  const contexts: FhirContext[] = []
  const app = await startCoreApp(
    (origin) => {
      const redirectUri = `${origin}/callback`
      sandbox.registerClient({ clientId: 'app', redirectUris: [redirectUri] })
      const registration = {
        ...{ fhirBaseUrl: sandbox.fhirBaseUrl, clientId: 'app', redirectUri, scope: 'launch/patient patient/*.rs' },
        tokenUrls: [`${files.origin}/files/`],
      }
      const session = { secret: crypto.randomUUID() }
      if (how === 'one registration') return createSmartLaunch({ ...registration, session })
      const registrations = how === 'a list' ? [registration] : async () => registration
      return createSmartLaunch({ registrations, redirectUri, allowSharedRedirectUri: true, session })
    },
    (fhir) => void (fhir && contexts.push(fhir)),
  )
  const browser = createUserAgent()
  await browser.signIn(
    `${app.origin}/login${how === 'a resolver' ? `?iss=${encodeURIComponent(sandbox.fhirBaseUrl)}` : ''}`,
  )
  await browser.request(`${app.origin}/`)
  const [fhir] = contexts
  await fhir?.fetch(`${files.origin}/files/1`)
  expect(files.requests[0]?.headers.authorization).toBe(`Bearer ${fhir?.accessToken}`)
  await expect(fhir?.fetch(`${files.origin}/others/1`)).rejects.toMatchObject({ code: 'url_outside_fhir_base' })
})
