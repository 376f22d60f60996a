import { expect, it } from 'vitest'
import { createBackendServices, loadKeySet, privateKeyJwt } from '../../src/index.ts'
import { checkRegistration, introspectToken, revokeToken } from '../../src/protocol.ts'
import { startSandbox } from '../support/registered-client.ts'
import { ecJwk, readJwt } from '../support/signing-jwks.ts'

it('REV-01 INT-02 a backend token is revoked and introspected with the same keys; the next request gets a new one', async () => {
  const keys = await loadKeySet(ecJwk())
  const sandbox = await startSandbox({ clients: [{ clientId: 'job', jwks: keys.publicJwks() }] })
  const registration = { fhirBaseUrl: sandbox.fhirBaseUrl, clientId: 'job', scope: 'system/Patient.rs' }
  const fhir = await createBackendServices({ ...registration, keys }).context()
  const ask = () =>
    introspectToken(fhir.accessToken, {
      fhirBaseUrl: sandbox.fhirBaseUrl,
      clientId: 'job',
      clientAuth: privateKeyJwt(keys),
    })
  expect((await ask()).active).toBe(true)

  const client = checkRegistration(registration, { flow: 'backend', defaultAuth: () => privateKeyJwt(keys) })
  const server = { tokenEndpoint: `${sandbox.issuer}/token`, issuer: sandbox.issuer }
  const channel = { http: {}, now: Date.now }
  await revokeToken(
    { token: fhir.accessToken, hint: 'access_token', endpoint: `${sandbox.issuer}/revoke` },
    { client, server, channel },
  )
  expect((await ask()).active).toBe(false)
  const [request] = sandbox.requestsTo('/revoke')
  expect(readJwt(request?.form.get('client_assertion')).claims).toMatchObject({ iss: 'job', aud: server.tokenEndpoint })

  expect((await fhir.fetch('Patient')).status).toBe(200)
  expect(sandbox.requestsTo('/token')).toHaveLength(2)
})
