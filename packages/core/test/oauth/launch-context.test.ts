import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FhirAuthError } from '../../src/index.ts'
import { readLaunchContext } from '../../src/oauth/launch-context.ts'
import { isSecretMember } from '../../src/oauth/secret-members.ts'

describe('patient and encounter', () => {
  it.each([
    ['an id', 'abc-1', 'abc-1'],
    ['a number', 123, '123'],
    ['a relative reference', 'Patient/123', '123'],
    ['an absolute reference', 'https://ehr.example/fhir/Patient/123', '123'],
    ['a versioned reference', 'Patient/123/_history/2', '123'],
  ])('RSP-06 patient is read as an id from %s', (_name, patient, id) => {
    expect(readLaunchContext({ patient }).patient).toBe(id)
  })

  it('RSP-06 encounter is read the same way', () => {
    expect(readLaunchContext({ encounter: 'Encounter/9' }).encounter).toBe('9')
    expect(readLaunchContext({ encounter: 9 }).encounter).toBe('9')
  })

  it.each([
    ['missing', undefined],
    ['null', null],
    ['empty', ''],
    ['a reference without id', 'Patient/'],
    ['a reference to something else', 'Practitioner/7'],
    ['an object', { reference: 'Patient/1' }],
    ['a list', ['1']],
    ['a number that is no id', 1.5],
    ['a number too large to be exact', 2 ** 60],
  ])('RSP-12 a patient that is not there is not guessed: %s', (_name, patient) => {
    expect(readLaunchContext({ patient, fhirContext: [{ reference: 'Patient/5' }] }).patient).toBeUndefined()
  })
})

/** Each would lead somewhere else in a URL such as `Patient/${fhir.patient}`, or is no id of FHIR at all. */
const NO_IDS = [
  ...[
    '1?_count=1000',
    '1&patient=2',
    '1#a',
    '..',
    '.',
    '%2e%2e',
    '1%2f..',
    '1 2',
    ' 1',
    '1_2',
    'ä',
    '患者',
    '1\\2',
    '*',
  ],
  ...[
    '1,2',
    '1|2',
    'a\u0000b',
    'a\r\nb',
    'x'.repeat(65),
    '-5e3+1',
    '$everything',
    'Patient/1?a=b',
    'Patient/..',
    'Patient/ä/x',
  ],
]

describe('a patient or encounter that is not a FHIR id', () => {
  it.each(NO_IDS)('RSP-06 refuses the token response, and its text is not shown: %j', (id) => {
    for (const [name, value] of [
      ['patient', id],
      ['encounter', id.replace('Patient/', 'Encounter/')],
    ] as const) {
      let refusal: unknown
      try {
        readLaunchContext({ [name]: value })
      } catch (error) {
        refusal = error
      }
      expect(refusal).toMatchObject({ code: 'invalid_token_response', status: 502 })
      expect((refusal as Error).message).toContain(name)
      if (value.length > 3) expect((refusal as Error).message).not.toContain(value)
    }
  })

  it.each(['a', '1.2.840.113619', 'x'.repeat(64), 'A-1.b', '...', '-1', '00'])(
    'RSP-06 accepts %j, which is one',
    (id) => {
      expect(readLaunchContext({ patient: id, encounter: `Encounter/${id}` })).toMatchObject({
        patient: id,
        encounter: id,
      })
    },
  )
})

describe('the rest of the context', () => {
  it('RSP-06 RSP-07 banner, intent, style and tenant are typed; mistyped ones are dropped, and a missing intent is not a fault', () => {
    const right = {
      need_patient_banner: false,
      intent: 'reconcile-medications',
      smart_style_url: 'https://e/s',
      tenant: 't',
    }
    expect(readLaunchContext(right).launch).toEqual(right)
    const wrong = { need_patient_banner: 'perhaps', intent: [7], smart_style_url: {}, tenant: null }
    expect(readLaunchContext(wrong).launch).toEqual({})
    expect(readLaunchContext({}).launch).toEqual({})
  })

  it.each([
    [true, true],
    ['true', true],
    ['True', true],
    [' TRUE ', true],
    [1, true],
    ['1', true],
    [false, false],
    ['false', false],
    ['FALSE', false],
    [0, false],
    ['0', false],
  ])(
    'RSP-06 need_patient_banner %j is read as %j: a banner that is needed must be shown (SMART 2.2 "Launch context")',
    (sent, read) => {
      const { launch, unread } = readLaunchContext({ need_patient_banner: sent })
      expect(launch).toEqual({ need_patient_banner: read })
      expect(unread).toEqual([])
    },
  )

  it('RSP-06 an intent or a tenant that is a number is read as its text', () => {
    const { launch, unread } = readLaunchContext({ intent: 7, tenant: 42 })
    expect(launch).toEqual({ intent: '7', tenant: '42' })
    expect(unread).toEqual([])
  })

  it.each<[string, unknown]>([
    ['need_patient_banner', 'yes'],
    ['need_patient_banner', 2],
    ['need_patient_banner', {}],
    ['need_patient_banner', ''],
    ['intent', true],
    ['intent', {}],
    ['tenant', [1]],
    ['smart_style_url', 5],
    ['fhirContext', 'ImagingStudy/1'],
    ['fhirContext', [{ reference: 'ImagingStudy/1' }, 5]],
    ['patient', { reference: 'Patient/1' }],
    ['patient', 'Practitioner/7'],
    ['patient', 2 ** 60],
    ['encounter', ['9']],
  ])('RSP-06 %s of %j cannot be read: it is named, not dropped in silence', (name, value) => {
    expect(readLaunchContext({ [name]: value }).unread).toEqual([name])
  })

  it('RSP-06 what is not there, or is null, is nothing to name; nor is an empty patient', () => {
    const nothing = {
      patient: '',
      encounter: null,
      need_patient_banner: null,
      intent: null,
      tenant: null,
      fhirContext: null,
    }
    expect(readLaunchContext(nothing).unread).toEqual([])
    expect(readLaunchContext({}).unread).toEqual([])
  })

  it('RSP-07 an unknown intent is passed on unchanged', () => {
    expect(readLaunchContext({ intent: 'vendor-special' }).launch.intent).toBe('vendor-special')
  })

  it('RSP-05 RSP-09 unknown members stay readable, authorization_details among them', () => {
    const details = [{ type: 'smart_on_fhir', locations: ['https://other.example/fhir'], patient: '2' }]
    const { launch } = readLaunchContext({ patient: '1', state: null, __dark: true, authorization_details: details })
    expect(launch).toEqual({ state: null, __dark: true, authorization_details: details })
  })

  it('SEC-09 a member named __proto__ stays a member', () => {
    const { launch } = readLaunchContext(JSON.parse('{"__proto__":{"patient":"9","polluted":1}}'))
    expect(Object.keys(launch)).toEqual(['__proto__'])
    expect(launch.polluted).toBeUndefined()
    expect(readLaunchContext(JSON.parse('{"__proto__":{"patient":"9"}}')).patient).toBeUndefined()
  })
})

describe('fhirContext', () => {
  it('RSP-08 reads reference, canonical and identifier with type and role; no role, or an empty one, is "launch"', () => {
    const identifier = { system: 'urn:x', value: '1' }
    const { launch } = readLaunchContext({
      fhirContext: [
        { reference: 'ImagingStudy/1' },
        { canonical: 'https://vendor.example/Questionnaire/q|1', role: '' },
        { identifier, type: 'Claim', role: 'https://vendor.example/role' },
      ],
    })
    expect(launch.fhirContext).toEqual([
      { reference: 'ImagingStudy/1', role: 'launch' },
      { canonical: 'https://vendor.example/Questionnaire/q|1', role: 'launch' },
      { identifier, type: 'Claim', role: 'https://vendor.example/role' },
    ])
  })

  it('RSP-08 tolerates the older form, a list of plain references, and drops what is neither', () => {
    const { launch } = readLaunchContext({ fhirContext: ['ImagingStudy/1', 5, null, {}, [], { role: 'launch' }] })
    expect(launch.fhirContext).toEqual([{ reference: 'ImagingStudy/1', role: 'launch' }])
    expect(readLaunchContext({ fhirContext: 'ImagingStudy/1' }).launch).toEqual({})
  })

  it('RSP-08 context is frozen: what one handler sees, every other one sees', () => {
    const { launch } = readLaunchContext({ fhirContext: [{ reference: 'ImagingStudy/1' }], extra: 1 })
    expect([launch, launch.fhirContext, launch.fhirContext?.[0]].every(Object.isFrozen)).toBe(true)
  })
})

describe('secrets in a token response', () => {
  it.each([
    ...[
      'device_secret',
      'client_secret',
      'registration_access_token',
      'accessToken',
      'device_code',
      'client_assertion',
    ],
    ...['user_password', 'pct', 'rpt', 'auth_req_id', 'code', 'Code_Verifier', 'refresh_token', 'id_token'],
  ])('SEC-09 handlers do not see %s', (name) => {
    const { launch } = readLaunchContext({ [name]: 'kept-from-handlers', intent: 'order' })
    expect(launch).toEqual({ intent: 'order' })
  })

  it.each(['token_type_hint', 'secretary', '__epic.dstu2.patient', 'appContext', 'session_state', 'encoding'])(
    'RSP-05 and %s stays',
    (name) => {
      expect(readLaunchContext({ [name]: 'v' }).launch).toEqual({ [name]: 'v' })
    },
  )
})

describe('any JSON at all', () => {
  const keys = fc.oneof(
    fc.constantFrom('patient', 'encounter', 'fhirContext', 'intent', '__proto__', 'constructor'),
    fc.string(),
  )
  const members = fc
    .array(fc.tuple(keys, fc.jsonValue()))
    .map((entries) =>
      JSON.parse(`{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)}}`),
    )

  it('RSP-05 RSP-06 SEC-09 gives ids of FHIR or nothing, or refuses, and loses no unknown member', () => {
    fc.assert(
      fc.property(members, (candidate: Record<string, unknown>) => {
        const context = contextOrRefusal(candidate)
        if (context instanceof FhirAuthError) {
          expect(context.code).toBe('invalid_token_response')
          expect([typeof candidate.patient, typeof candidate.encounter]).toContain('string')
          return
        }
        const { patient, encounter, launch } = context
        for (const id of [patient, encounter]) expect(id ?? '1').toMatch(/^[A-Za-z0-9\-.]{1,64}$/)
        expect(Object.getPrototypeOf(launch)).toBe(Object.prototype)
        const own = [
          'patient',
          'encounter',
          'need_patient_banner',
          'intent',
          'smart_style_url',
          'tenant',
          'fhirContext',
        ]
        const unknown = Object.keys(candidate).filter((name) => !own.includes(name) && !isSecretMember(name))
        expect(Object.keys(launch)).toEqual(expect.arrayContaining(unknown))
        expect(Object.keys(Object.prototype)).toEqual([])
      }),
      { numRuns: 500 },
    )
  })
})

function contextOrRefusal(members: Record<string, unknown>) {
  try {
    return readLaunchContext(members)
  } catch (error) {
    if (error instanceof FhirAuthError) return error
    throw error
  }
}
