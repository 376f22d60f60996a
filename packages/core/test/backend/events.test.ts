import { generateKeyPairSync } from 'node:crypto'
import { expect, it } from 'vitest'
import { createBackendServices, loadKeySet } from '../../src/index.ts'
import { startCoreApp } from '../support/core-app.ts'
import { createEventLog } from '../support/event-log.ts'
import { startSandbox } from '../support/registered-client.ts'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })

async function startJob(scope: string, granted?: string) {
  const sandbox = await startSandbox()
  const keys = await loadKeySet(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const { onEvent, all, outcomes: events } = createEventLog()
  const { origin } = await startCoreApp(
    () =>
      createBackendServices({
        ...{ fhirBaseUrl: sandbox.fhirBaseUrl, clientId: 'job', keys, scope },
        onEvent(event) {
          onEvent(event)
          throw new Error('a listener that fails')
        },
      }),
    (fhir) => fhir?.scope,
  )
  sandbox.registerClient({ clientId: 'job', jwksUrl: `${origin}/.well-known/jwks.json`, scope: granted })
  return { sandbox, origin, all, events }
}

it('BSV-10 SCP-10 tells by event what was granted otherwise than asked for, whatever the listener does', async () => {
  const { sandbox, origin, events } = await startJob('system/Patient.rs system/Group.rs', 'system/Patient.rs')
  expect((await fetch(origin)).status).toBe(200)
  const { fhirBaseUrl } = sandbox
  expect(events).toEqual([
    {
      type: 'token',
      fhirBaseUrl,
      clientId: 'job',
      scope: 'system/Patient.rs',
      missing: ['system/Group.rs'],
      extra: [],
      expiresAt: expect.any(Number),
      durationMs: expect.any(Number),
    },
  ])
})

it('ERR-06 tells by event of a token request that failed, without a secret of it', async () => {
  const { sandbox, origin, all, events } = await startJob('system/Patient.rs')
  sandbox.fault({ at: 'token', kind: 'status', status: 401, body: '{"error":"invalid_client"}' })
  expect((await fetch(origin)).status).toBe(401)
  expect(events.map(({ type }) => type)).toEqual(['token_failed'])
  const [request] = sandbox.requestsTo('/token')
  expect(JSON.stringify(all)).not.toContain(request?.form.get('client_assertion'))
})

it('RSP-02 tells by event of members of a token response that cannot be read', async () => {
  const { sandbox, origin, events } = await startJob('system/Patient.rs')
  const patch = (body: object) => ({ ...body, expires_in: 'soon', need_patient_banner: 7, fhirContext: {} })
  sandbox.fault({ at: 'token', kind: 'json', patch })
  expect((await fetch(origin)).status).toBe(200)
  const { fhirBaseUrl } = sandbox
  const members = ['expires_in', 'need_patient_banner', 'fhirContext']
  expect(events[0]).toEqual({ type: 'members_ignored', fhirBaseUrl, clientId: 'job', members })
  expect(events[1]).toMatchObject({ type: 'token' })
})
