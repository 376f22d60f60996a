import { describe, expect, it } from 'vitest'
import { createFhirGuard } from '../../src/adapter.ts'
import { FhirAuthError, type FhirAuthErrorCode, FhirRequestError } from '../../src/index.ts'
import { fakeFhir } from '../../src/testing.ts'
import { failureOf } from '../support/failure-of.ts'

const patient = { resourceType: 'Patient', id: '1' }
const request = { method: 'GET', url: '/', header: () => undefined }

describe('fakeFhir()', () => {
  it('is the context that handlers get, with what it was told', () => {
    const fhir = fakeFhir({
      ...{
        patient: '1',
        encounter: '2',
        scope: 'patient/*.rs',
        fhirUser: 'Practitioner/7',
        launch: { intent: 'order' },
      },
      idToken: { iss: 'https://issuer.example', sub: 'subject' },
    })
    expect(fhir).toMatchObject({ patient: '1', encounter: '2', launch: { intent: 'order' }, launchId: 'fake-launch' })
    expect(fhir.fhirUser).toEqual({ type: 'Practitioner', id: '7', url: 'https://fhir.example/r4/Practitioner/7' })
    expect(fhir.scope.covers('patient/Observation.rs')).toBe(true)
    expect(fhir.expiresAt).toBeGreaterThan(Date.now())
    expect(Object.isFrozen(fhir)).toBe(true)
  })

  it('passes and fails a guard as a real one does', () => {
    const guard = createFhirGuard({ scope: 'patient/Observation.rs', patient: true })
    expect(guard(fakeFhir({ patient: '1', scope: 'patient/Observation.rs' }), request)).toBeUndefined()
    expect(guard(fakeFhir({ patient: '1', scope: 'patient/Patient.rs' }), request)).toMatchObject({ status: 403 })
    expect(guard(fakeFhir({ scope: 'patient/*.rs' }), request)).toMatchObject({ kind: 'problem' })
    expect(guard(fakeFhir({ launchId: null, scope: 'patient/*.rs' }), request)).toMatchObject({ kind: 'problem' })
  })

  it('answers by request, whatever the order of search parameters', async () => {
    const fhir = fakeFhir({
      responses: {
        'Patient/1': patient,
        'Observation?patient=1&_count=2': { resourceType: 'Bundle', total: 2 },
        'POST Observation': async (sent) => new Response(await sent.text(), { status: 201 }),
        'GET metadata': () => ({ resourceType: 'CapabilityStatement' }),
      },
    })
    expect(await fhir.json('Patient/1')).toEqual(patient)
    expect(await fhir.json('https://fhir.example/r4/Patient/1')).toEqual(patient)
    expect(await fhir.json('Observation?_count=2&patient=1')).toMatchObject({ total: 2 })
    expect(await fhir.json('metadata')).toMatchObject({ resourceType: 'CapabilityStatement' })
    const created = await fhir.fetch('Observation', { method: 'POST', body: '{"a":1}' })
    expect([created.status, await created.json()]).toEqual([201, { a: 1 }])
  })

  it('a Response answers more than once', async () => {
    const fhir = fakeFhir({ responses: { 'Patient/1': Response.json(patient) } })
    expect([await fhir.json('Patient/1'), await fhir.json('Patient/1')]).toEqual([patient, patient])
  })

  it('a refusal of the FHIR server is the error that it is in production', async () => {
    const outcome = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'not-found' }] }
    const fhir = fakeFhir({ responses: { 'Patient/2': Response.json(outcome, { status: 404 }) } })
    const failure = await failureOf(() => fhir.json('Patient/2'))
    expect(failure).toBeInstanceOf(FhirRequestError)
    expect(failure).toMatchObject({ serverStatus: 404 })
  })

  it.each<FhirAuthErrorCode>(['session_ended', 'token_unavailable'])(
    'fails with %s where it is told to',
    async (code) => {
      const fhir = fakeFhir({ failsWith: code, responses: { 'Patient/1': patient } })
      expect(await failureOf(() => fhir.json('Patient/1'))).toMatchObject({ code })
      expect(await failureOf(() => fhir.fetch('Patient/1'))).toBeInstanceOf(FhirAuthError)
    },
  )

  it.each(['json', 'fetch'] as const)('%s: a request that is not listed says what is', async (call) => {
    const fhir = fakeFhir({ responses: { 'Patient/1': patient } })
    const failure = await fhir[call]('Patient/2').then(
      () => undefined,
      (error: Error) => error,
    )
    expect(failure?.message).toBe(
      'fakeFhir() has no response for "GET Patient/2". Add it to responses, which has "GET Patient/1".',
    )
  })

  it('no request leaves the FHIR server of the context', async () => {
    const failure = await failureOf(() => fakeFhir().json('https://elsewhere.example/Patient/1'))
    expect(failure.code).toBe('url_outside_fhir_base')
  })

  it.each<[string, object, RegExp]>([
    ['a misspelt option', { pacient: '1' }, /Did you mean "patient"/],
    ['an id that is none', { patient: 'a/b' }, /patient.*no FHIR id/],
    ['a user that is no reference', { fhirUser: 'somebody' }, /Practitioner\/7/],
  ])('%s is refused', async (_what, options, message) => {
    expect(await failureOf(() => fakeFhir(options))).toMatchObject({
      code: 'invalid_option',
      message: expect.stringMatching(message),
    })
  })
})
