import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { createFhirApi, type FhirAccess, type FhirRequest, type FhirResponse } from '../src/fhir/fhir-api.ts'
import { patients } from '../src/fhir/patients.ts'
import { practitioners } from '../src/fhir/practitioners.ts'
import { resourceTypes } from '../src/fhir/resource.ts'
import { parseResourceScope } from '../src/fhir/scope-check.ts'

const baseUrl = 'http://127.0.0.1:4000/fhir'
const [amber, basil] = patients.map((patient) => patient.id)
const vitalSigns = 'http://terminology.hl7.org/CodeSystem/observation-category|vital-signs'

// biome-ignore lint/suspicious/noExplicitAny: answers are read as the loose JSON that a client gets
type Json = any

interface Call {
  scopes?: string
  patient?: string | undefined
  clientId?: string
  method?: string
  headers?: Record<string, string>
  body?: string
}

let send: (request: FhirRequest) => Promise<FhirResponse>
let known: Map<string, FhirAccess>

beforeEach(() => {
  known = new Map()
  send = newApi()
})

function newApi(): typeof send {
  return createFhirApi({
    baseUrl,
    authenticate: (token) => known.get(token),
    securityExtension: { authorize: 'https://as.example/authorize', token: 'https://as.example/token' },
  })
}

function request(target: string, call: Call = {}, authorization?: string): FhirRequest {
  const url = new URL(target.startsWith('http') ? target : `${baseUrl}/${target}`)
  return {
    method: call.method ?? 'GET',
    path: url.pathname.slice('/fhir'.length),
    query: url.searchParams,
    headers: { ...(authorization === undefined ? {} : { authorization }), ...call.headers },
    body: call.body ?? '',
  }
}

/** Calls with a token that stands for what `call` says; `user/*.cruds` by default. */
function fhir(target: string, call: Call = {}): Promise<FhirResponse> {
  const token = `token-${known.size}`
  const scopes = (call.scopes ?? 'user/*.cruds').split(' ')
  known.set(token, { scopes, patient: call.patient, clientId: call.clientId ?? 'app' })
  return send(request(target, call, `Bearer ${token}`))
}

async function json(target: string, call: Call = {}): Promise<Json> {
  const response = await fhir(target, call)
  expect(response.status).toBe(200)
  expect(response.headers['content-type']).toContain('application/fhir+json')
  return JSON.parse(response.body)
}

/** All resources of a search, page by page as the links say. */
async function everything(target: string, call: Call = {}): Promise<Json[]> {
  const found: Json[] = []
  for (let next: string | undefined = target; next !== undefined; ) {
    const bundle: Json = await json(next, call)
    found.push(...(bundle.entry ?? []).map((entry: Json) => entry.resource))
    next = bundle.link.find((link: Json) => link.relation === 'next')?.url
  }
  return found
}

function expectOutcome(response: FhirResponse, status: number, code: string): void {
  expect(response.status).toBe(status)
  expect(response.headers['content-type']).toContain('application/fhir+json')
  const outcome = JSON.parse(response.body)
  expect(outcome.resourceType).toBe('OperationOutcome')
  expect(outcome.issue[0]).toMatchObject({ severity: 'error', code })
}

describe('metadata', () => {
  test('is open and names the endpoints in oauth-uris, those that exist only', async () => {
    const response = await send(request('metadata'))
    expect(response.status).toBe(200)
    const statement = JSON.parse(response.body)
    expect(statement).toMatchObject({ resourceType: 'CapabilityStatement', fhirVersion: '4.0.1', kind: 'instance' })
    expect(statement.rest[0].security.extension).toEqual([
      {
        url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
        extension: [
          { url: 'authorize', valueUri: 'https://as.example/authorize' },
          { url: 'token', valueUri: 'https://as.example/token' },
        ],
      },
    ])
  })

  test('publishes revoke and introspect when there are such endpoints', async () => {
    const api = createFhirApi({
      baseUrl,
      authenticate: () => undefined,
      securityExtension: { authorize: 'a', token: 't', revoke: 'r', introspect: 'i' },
    })
    const statement = JSON.parse((await api(request('metadata'))).body)
    const children = statement.rest[0].security.extension[0].extension.map((child: Json) => child.url)
    expect(children).toEqual(['authorize', 'token', 'revoke', 'introspect'])
  })
})

describe('access token', () => {
  test.each([
    ['no header', undefined],
    ['an unknown token', 'Bearer unknown'],
    ['another scheme', 'Basic dG9rZW46eA=='],
    ['an empty token', 'Bearer '],
  ])('%s: 401 invalid_token', async (_, authorization) => {
    known.set('', { scopes: ['user/*.cruds'], patient: undefined, clientId: 'app' })
    for (const target of ['Patient', `Patient/${amber}`, 'Group/x/$export', 'bulk/x', 'nowhere']) {
      const response = await send(request(target, {}, authorization))
      expectOutcome(response, 401, 'login')
      expect(response.headers['www-authenticate']).toBe('Bearer error="invalid_token"')
    }
  })

  test('a token in the query is not one', async () => {
    known.set('t', { scopes: ['user/*.cruds'], patient: undefined, clientId: 'app' })
    expectOutcome(await send(request('Patient?access_token=t')), 401, 'login')
  })

  test('the header is found in any spelling and the check may be asynchronous', async () => {
    const access = { scopes: ['user/Patient.r'], patient: undefined, clientId: 'app' }
    const api = createFhirApi({
      baseUrl: `${baseUrl}/`,
      authenticate: async (token) => (token === 'good' ? access : undefined),
      securityExtension: { authorize: 'a', token: 't' },
    })
    const response = await api(request(`Patient/${amber}`, { headers: { Authorization: 'bearer good' } }))
    expect(response.status).toBe(200)
  })
})

describe('data', () => {
  test('is the same in every instance and has fixed dates', async () => {
    for (const type of resourceTypes) {
      const first = await everything(`${type}?_count=200`)
      send = newApi()
      expect(await everything(`${type}?_count=200`)).toEqual(first)
      for (const resource of first) expect(resource.meta.lastUpdated < '2025').toBe(true)
    }
  })

  test('has valid, unique ids, and no reference leads nowhere', async () => {
    const all = (await Promise.all(resourceTypes.map((type) => everything(`${type}?_count=200`)))).flat()
    const urls = all.map((resource) => `${resource.resourceType}/${resource.id}`)
    expect(new Set(urls).size).toBe(urls.length)
    for (const { id } of all) expect(id).toMatch(/^[A-Za-z0-9\-.]{1,64}$/)
    const references = JSON.stringify(all).matchAll(/"reference":"([^"]+)"/g)
    const targets = new Set([...references].map((match) => match[1]))
    expect(targets.size).toBeGreaterThan(patients.length)
    for (const target of targets) expect(urls).toContain(target)
  })

  test('every patient has what a portal shows: each vital sign over time, conditions and medications', async () => {
    for (const { id, encounters } of patients) {
      for (const code of ['85354-9', '8867-4', '29463-7', '8302-2', '8310-5', '2708-6', '59408-5']) {
        const points = await everything(`Observation?patient=${id}&code=http://loinc.org|${code}&_sort=date`)
        expect(points.length).toBeGreaterThanOrEqual(12)
        const quantities = points.flatMap((point) => (point.component ?? [point]).map((p: Json) => p.valueQuantity))
        for (const { value, system } of quantities) {
          expect(value).toBeGreaterThan(0)
          expect(system).toBe('http://unitsofmeasure.org')
        }
        expect(quantities).toHaveLength(points.length * (code === '85354-9' ? 2 : 1))
      }
      expect((await everything(`Condition?patient=${id}`)).length).toBeGreaterThan(0)
      expect((await everything(`MedicationRequest?patient=${id}`)).length).toBeGreaterThan(0)
      expect((await everything(`Encounter?patient=${id}`)).map((each) => each.id)).toEqual(encounters)
    }
  })

  test('one Group holds all patients', async () => {
    const [group, ...others] = await everything('Group')
    expect(others).toEqual([])
    const members = group.member.map((member: Json) => member.entity.reference)
    expect(members).toEqual(patients.map((patient) => `Patient/${patient.id}`))
  })
})

describe('read', () => {
  test('gives the resource', async () => {
    expect(await json(`Patient/${amber}`)).toMatchObject({
      resourceType: 'Patient',
      id: amber,
      birthDate: '1958-03-14',
    })
    expect(await json(`Practitioner/${practitioners[0]?.id}`)).toMatchObject({ resourceType: 'Practitioner' })
  })

  test.each([
    'Patient/nobody',
    'Immunization',
    'Patient/a/b',
    `Patient/${'x'.repeat(70)}`,
    '',
    '__proto__',
    'constructor',
  ])('404 OperationOutcome: %s', async (target) => {
    const response = await fhir(target)
    expectOutcome(response, 404, JSON.parse(response.body).issue[0].code)
  })

  test('a path that is no path: 400', async () => {
    const broken = { ...request('Patient'), path: '/Patient/%E0%A4%A' }
    expectOutcome(await send(broken), 400, 'invalid')
  })

  test.each(['PUT', 'PATCH', 'DELETE'])('%s is answered with 405', async (method) => {
    const response = await fhir(`Patient/${amber}`, { method })
    expectOutcome(response, 405, 'not-supported')
    expect(response.headers.allow).toBe('GET')
  })
})

describe('search', () => {
  test('is a searchset with total, self link and full URLs below the base', async () => {
    const bundle = await json(`Condition?patient=${amber}`)
    expect(bundle).toMatchObject({ resourceType: 'Bundle', type: 'searchset', total: 2 })
    expect(bundle.link).toEqual([{ relation: 'self', url: `${baseUrl}/Condition?patient=${amber}` }])
    for (const entry of bundle.entry) {
      expect(entry.fullUrl).toBe(`${baseUrl}/Condition/${entry.resource.id}`)
      expect(entry.search).toEqual({ mode: 'match' })
    }
  })

  test('nothing found: total 0 and no empty array', async () => {
    const bundle = await json('Patient?_id=nobody')
    expect(bundle.total).toBe(0)
    expect(bundle).not.toHaveProperty('entry')
  })

  test.each(['patient=X', 'subject=X', 'patient=Patient/X', 'subject=Patient/X', `subject=${baseUrl}/Patient/X`])(
    'finds the resources of one patient by %s',
    async (query) => {
      const found = await everything(`Encounter?${query.replace('X', basil ?? '')}`)
      expect(found.map((each) => each.id)).toEqual(patients[1]?.encounters)
    },
  )

  test('category and code filter with and without the system; several values mean "or", several parameters "and"', async () => {
    const of = (query: string) => everything(`Observation?patient=${amber}&_count=200&${query}`)
    const all = await of('')
    const vital = await of('category=vital-signs')
    const laboratory = await of('category=laboratory')
    expect(vital.length).toBeGreaterThan(laboratory.length)
    expect(laboratory.length).toBeGreaterThan(0)
    expect(all).toHaveLength(vital.length + laboratory.length)
    expect(await of(`category=${vitalSigns}`)).toEqual(vital)
    expect(await of('category=http://example.org|vital-signs')).toEqual([])
    expect(await of('category=|vital-signs')).toEqual([])
    expect(await of('category=vital-signs,laboratory')).toEqual(all)
    expect(await of('category=vital-signs&category=laboratory')).toEqual([])
    const both = await of('code=http://loinc.org|8867-4,29463-7')
    expect(new Set(both.map((each) => each.code.coding[0].code))).toEqual(new Set(['8867-4', '29463-7']))
    expect(await of('category=laboratory&code=8867-4')).toEqual([])
  })

  test('_id finds several', async () => {
    expect((await everything(`Patient?_id=${basil},${amber}`)).map((each) => each.id)).toEqual([amber, basil])
  })

  test('_sort orders by date both ways, and date narrows', async () => {
    const dates = async (query: string): Promise<string[]> =>
      (await everything(`Observation?patient=${amber}&code=8867-4&${query}`)).map((each) => each.effectiveDateTime)
    const rising = await dates('_sort=date')
    expect(rising).toEqual([...rising].sort())
    expect(await dates('_sort=-date')).toEqual([...rising].reverse())
    expect(await dates('_sort=date&date=ge2024-03&date=lt2024-06')).toEqual(
      rising.filter((date) => date >= '2024-03' && date < '2024-06'),
    )
    expect((await dates('date=2024-03')).every((date) => date.startsWith('2024-03'))).toBe(true)
  })

  test.each([1, 7, 50, 200, 100_000])('pages of %i lead through everything once, in order', async (count) => {
    const call = { scopes: 'patient/Observation.s', patient: amber }
    const whole = await everything('Observation?category=vital-signs&_sort=-date&_count=200', call)
    const first = await json(`Observation?category=vital-signs&_sort=-date&_count=${count}`, call)
    expect(first.total).toBe(whole.length)
    expect(first.entry).toHaveLength(Math.min(count, whole.length))
    expect(await everything(`Observation?category=vital-signs&_sort=-date&_count=${count}`, call)).toEqual(whole)
  })

  test('a page link says nothing about the search, and gives no more than the token that follows it', async () => {
    const bundle = await json(`Observation?patient=${amber}&_count=3`)
    const next = new URL(bundle.link[1].url)
    expect(bundle.link[1].relation).toBe('next')
    expect([...next.searchParams.keys()]).toEqual(['_page'])
    expectOutcome(await fhir(next.href, { scopes: 'user/Patient.s' }), 403, 'forbidden')
    expect((await json(next.href, { scopes: 'patient/*.s', patient: basil })).total).toBe(0)
  })

  test('_count=0 gives the total alone', async () => {
    const bundle = await json('Patient?_count=0')
    expect(bundle.total).toBe(patients.length)
    expect(bundle).not.toHaveProperty('entry')
    expect(bundle.link).toHaveLength(1)
  })

  test('POST _search is the same search', async () => {
    const body = `patient=${amber}`
    expect(await json('Condition/_search', { method: 'POST', body })).toEqual(await json(`Condition?${body}`))
  })

  test.each([
    'Patient?_count=-1',
    'Patient?_count=many',
    'Patient?_sort=date',
    'Observation?_sort=colour',
    'Observation?_page=nonsense',
    `Observation?_page=${Buffer.from('["Patient","",0]').toString('base64url')}`,
    `Observation?_page=${Buffer.from('["Observation","",-5]').toString('base64url')}`,
    'Observation?patient=Practitioner/x',
    'Observation?patient=',
    'Observation?date=yesterday',
    'Observation?code:in=x',
    'Observation?patient.name=x',
  ])('400 OperationOutcome: %s', async (target) => {
    const response = await fhir(target)
    expectOutcome(response, 400, JSON.parse(response.body).issue[0].code)
  })

  test('an unknown parameter is left out of the self link, or refused when the client is strict', async () => {
    const bundle = await json(`Patient?colour=red&_id=${amber}&constructor=x`)
    expect(bundle.total).toBe(1)
    expect(bundle.link[0].url).toBe(`${baseUrl}/Patient?_id=${amber}`)
    expectOutcome(await fhir('Patient?colour=red', { headers: { prefer: 'handling=strict' } }), 400, 'not-supported')
  })
})

describe('scopes', () => {
  test.each<[scopes: string, read: number, search: number, create: number]>([
    ['patient/Observation.read', 200, 200, 403],
    ['patient/Observation.write', 403, 403, 400],
    ['patient/Observation.*', 200, 200, 400],
    ['patient/*.read', 200, 200, 403],
    ['patient/*.*', 200, 200, 400],
    ['patient/*.cruds', 200, 200, 400],
    ['user/Observation.rs', 200, 200, 403],
    ['system/Observation.rs', 200, 200, 403],
    ['patient/Observation.r', 200, 403, 403],
    ['patient/Observation.s', 403, 200, 403],
    ['patient/Observation.c', 403, 403, 400],
    ['patient/Observation.r patient/Observation.s', 200, 200, 403],
    ['http://smarthealthit.org/fhir/scopes/patient/Observation.rs', 200, 200, 403],
    ['patient/Observation.sr', 403, 403, 403],
    ['patient/Observation.', 403, 403, 403],
    ['patient/Observation.rr', 403, 403, 403],
    ['patient/Observation.readwrite', 403, 403, 403],
    ['patient/observation.rs', 403, 403, 403],
    ['patient/Patient.cruds', 403, 403, 403],
    ['Observation.rs', 403, 403, 403],
    ['openid fhirUser launch/patient offline_access', 403, 403, 403],
    ['', 403, 403, 403],
  ])('%s: read %i, search %i, create %i', async (scopes, read, search, create) => {
    const call = { scopes, patient: amber }
    expect((await fhir(`Observation/${amber}-heart-rate-01`, call)).status).toBe(read)
    expect((await fhir('Observation', call)).status).toBe(search)
    // 400: allowed, and the body is then found to be none.
    const headers = { 'content-type': 'application/fhir+json' }
    expect((await fhir('Observation', { ...call, method: 'POST', headers })).status).toBe(create)
  })

  test('a missing scope is named: 403 insufficient_scope', async () => {
    const response = await fhir('Observation', { scopes: 'patient/Patient.rs', patient: amber })
    expectOutcome(response, 403, 'forbidden')
    expect(response.headers['www-authenticate']).toBe(
      'Bearer error="insufficient_scope", scope="patient/Observation.s"',
    )
  })

  test('a patient/ scope sees one compartment only', async () => {
    const call = { scopes: 'patient/*.rs', patient: amber }
    expectOutcome(await fhir(`Patient/${basil}`, call), 404, 'not-found')
    expectOutcome(await fhir(`Observation/${basil}-heart-rate-01`, call), 404, 'not-found')
    expectOutcome(await fhir('Group/sandbox-cohort', call), 404, 'not-found')
    expect((await json('Patient', call)).total).toBe(1)
    expect((await json('Group', call)).total).toBe(0)
    expect((await json(`Observation?patient=${basil}`, call)).total).toBe(0)
    expect((await json('Encounter', call)).total).toBe(patients[0]?.encounters.length)
    expect(await json(`Practitioner/${practitioners[0]?.id}`, call)).toMatchObject({ resourceType: 'Practitioner' })
  })

  test('a patient/ scope without a patient grants nothing', async () => {
    expectOutcome(await fhir('Observation', { scopes: 'patient/*.rs' }), 403, 'forbidden')
    expectOutcome(await fhir(`Patient/${amber}`, { scopes: 'patient/*.rs' }), 403, 'forbidden')
  })

  test('user/ and system/ scopes see every patient', async () => {
    for (const scopes of ['user/Patient.s', 'system/Patient.s']) {
      expect((await json('Patient', { scopes, patient: amber })).total).toBe(patients.length)
    }
  })

  test('a scope with a restriction narrows search, read and create to what matches', async () => {
    const call = { scopes: `patient/Observation.crs?category=${vitalSigns}`, patient: amber }
    const found = await everything('Observation?_count=200', call)
    expect(found).toEqual(await everything(`Observation?patient=${amber}&category=vital-signs&_count=200`))
    expect((await json('Observation?category=laboratory', call)).total).toBe(0)
    expectOutcome(await fhir(`Observation/${amber}-glucose-01`, call), 403, 'forbidden')
    expectOutcome(await fhir(`Observation/${basil}-heart-rate-01`, call), 404, 'not-found')
    expect((await fhir('Observation', { ...call, ...newObservation({}) })).status).toBe(403)
    const category = [{ coding: [{ system: vitalSigns.split('|')[0], code: 'vital-signs' }] }]
    expect((await fhir('Observation', { ...call, ...newObservation({ category }) })).status).toBe(201)
  })

  test('several scopes add up; a plain one beside a restricted one wins', async () => {
    const two = 'patient/Observation.s?category=laboratory patient/Observation.s?code=8867-4'
    const total = async (scopes: string) => (await json('Observation?_count=0', { scopes, patient: amber })).total
    expect(await total(two)).toBe((await total('patient/Observation.s?category=laboratory')) + 18)
    expect(await total(`${two} patient/Observation.s`)).toBe(await total('patient/*.s'))
    expect(await total('patient/Observation.s?category=laboratory&code=8867-4')).toBe(0)
  })

  test.each(['code:in=http://example.org/set', '_filter=x', 'colour=red', '_count=5', 'patient=a/b', 'constructor=x'])(
    'a restriction that cannot be enforced grants nothing: %s',
    async (restriction) => {
      const scopes = `user/Observation.rs?${restriction}`
      expectOutcome(await fhir('Observation', { scopes }), 403, 'forbidden')
      expectOutcome(await fhir(`Observation/${amber}-heart-rate-01`, { scopes }), 403, 'forbidden')
    },
  )
})

describe('scope parser', () => {
  test('never throws, whatever the text', () => {
    const almostScope = fc
      .tuple(
        fc.constantFrom('patient', 'user', 'system', 'launch', ''),
        fc.constantFrom('/', '', '//'),
        fc.oneof(fc.constantFrom('*', 'Observation', 'constructor'), fc.string()),
        fc.constantFrom('.', ''),
        fc.oneof(fc.constantFrom('rs', 'cruds', 'read', '*', '__proto__', 'toString'), fc.string()),
        fc.oneof(fc.constantFrom('', '?', '?category=x', '?%', '?=&'), fc.string()),
      )
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), almostScope), (text) => {
        const scope = parseResourceScope(text)
        if (scope !== undefined) expect(scope.interactions.size).toBeGreaterThan(0)
      }),
    )
  })

  test('takes a part of "cruds" in this order and no other arrangement', () => {
    const letters = fc.array(fc.constantFrom<string>('c', 'r', 'u', 'd', 's'), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(letters, (chosen) => {
        const inOrder = [...'cruds'].filter((letter) => chosen.includes(letter)).join('') === chosen.join('')
        expect(parseResourceScope(`user/Patient.${chosen.join('')}`) !== undefined).toBe(inOrder)
      }),
    )
  })

  test('v1 words mean their v2 letters and take no restriction', () => {
    const letters = (scope: string) => [...(parseResourceScope(scope)?.interactions ?? [])].join('')
    expect(letters('patient/*.read')).toBe('rs')
    expect(letters('patient/*.write')).toBe('cud')
    expect(letters('patient/*.*')).toBe('cruds')
    expect(parseResourceScope('patient/Observation.read?category=x')).toBeUndefined()
  })

  test.each(['?', '?category', '?category=', '?=x'])('an empty restriction is no scope: %s', (query) => {
    expect(parseResourceScope(`patient/Observation.rs${query}`)).toBeUndefined()
  })
})

function newObservation(change: Record<string, unknown>): Required<Pick<Call, 'method' | 'headers' | 'body'>> {
  const observation = {
    resourceType: 'Observation',
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
    subject: { reference: `Patient/${amber}` },
    effectiveDateTime: '2025-03-01T09:00:00Z',
    ...change,
  }
  return { method: 'POST', headers: { 'content-type': 'application/fhir+json' }, body: JSON.stringify(observation) }
}

describe('create Observation', () => {
  test('gives it an id of its own, and it is then found', async () => {
    const first = await fhir('Observation', newObservation({ id: `${amber}-heart-rate-01` }))
    const second = await fhir('Observation', newObservation({ subject: { reference: `${baseUrl}/Patient/${amber}` } }))
    expect([first.status, second.status]).toEqual([201, 201])
    expect(first.headers.location).not.toBe(second.headers.location)
    const created = JSON.parse(second.body)
    expect(second.headers.location).toBe(`${baseUrl}/Observation/${created.id}`)
    expect(created.subject.reference).toBe(`Patient/${amber}`)
    expect(await json(second.headers.location ?? '')).toEqual(created)
    expect((await json(`Observation?patient=${amber}&code=8867-4&date=2025`)).total).toBe(2)
    expect(await json(`Observation/${amber}-heart-rate-01`)).not.toHaveProperty(
      'effectiveDateTime',
      '2025-03-01T09:00:00Z',
    )
  })

  test('a patient/ scope writes for its own patient only', async () => {
    const call = { scopes: 'patient/Observation.c', patient: amber }
    expect((await fhir('Observation', { ...call, ...newObservation({}) })).status).toBe(201)
    const forBasil = newObservation({ subject: { reference: `Patient/${basil}` } })
    expectOutcome(await fhir('Observation', { ...call, ...forBasil }), 403, 'forbidden')
  })

  test.each<[string, Record<string, unknown>]>([
    ['another type', { resourceType: 'Patient' }],
    ['no status', { status: undefined }],
    ['no code', { code: undefined }],
    ['no subject', { subject: undefined }],
    ['a subject that is not here', { subject: { reference: 'Patient/nobody' } }],
    ['a subject elsewhere', { subject: { reference: `https://elsewhere.example/Patient/${amber}` } }],
  ])('%s: 400', async (_, change) => {
    const response = await fhir('Observation', newObservation(change))
    expectOutcome(response, 400, JSON.parse(response.body).issue[0].code)
  })

  test('not JSON: 400, not FHIR: 415, another type: 405', async () => {
    expectOutcome(await fhir('Observation', { ...newObservation({}), body: '{' }), 400, 'invalid')
    expectOutcome(await fhir('Observation', { ...newObservation({}), headers: {} }), 415, 'not-supported')
    expectOutcome(await fhir('Patient', newObservation({})), 405, 'not-supported')
  })

  test('elements of any shape never break a search', async () => {
    for (const category of ['x', 7, null, [null], [{ coding: 'x' }], [{ coding: [null, {}] }]]) {
      expect(
        (await fhir('Observation', newObservation({ category, encounter: 5, effectiveDateTime: {} }))).status,
      ).toBe(201)
    }
    for (const query of ['category=vital-signs', 'code=8867-4&_sort=date', 'encounter=x', 'date=ge2024']) {
      await json(`Observation?${query}`)
    }
  })
})

describe('create QuestionnaireResponse', () => {
  test('a patient/ scope writes and finds those of its own patient alone', async () => {
    const scopes = 'patient/QuestionnaireResponse.cs'
    const answersOf = (patient = '', change = {}) => ({
      ...newObservation({
        resourceType: 'QuestionnaireResponse',
        code: undefined,
        subject: { reference: `Patient/${patient}` },
        ...change,
      }),
      scopes,
    })
    const created = await fhir('QuestionnaireResponse', { ...answersOf(amber), patient: amber })
    expect(created.status).toBe(201)
    expect(created.headers.location).toBe(`${baseUrl}/QuestionnaireResponse/${JSON.parse(created.body).id}`)
    expect((await json('QuestionnaireResponse', { scopes, patient: amber })).total).toBe(1)
    expect((await json('QuestionnaireResponse', { scopes, patient: basil })).total).toBe(0)
    expectOutcome(await fhir('QuestionnaireResponse', { ...answersOf(basil), patient: amber }), 403, 'forbidden')

    expectOutcome(
      await fhir('QuestionnaireResponse', { ...answersOf(amber, { status: 1 }), patient: amber }),
      400,
      'required',
    )
  })
})

describe('bulk export', () => {
  /** Nobody has answered a questionnaire yet, and an export names only types that it has something of. */
  const typesWithData = resourceTypes.filter((type) => type !== 'QuestionnaireResponse').sort()
  const headers = { prefer: 'respond-async', accept: 'application/fhir+json' }
  const all = { scopes: 'system/*.rs', headers }

  async function start(target: string, call: Call = all): Promise<string> {
    const response = await fhir(target, call)
    expect(response.status).toBe(202)
    const location = response.headers['content-location'] ?? ''
    expect(location.startsWith(`${baseUrl}/`)).toBe(true)
    return location
  }

  async function manifestOf(location: string, call: Call = all): Promise<Json> {
    for (const progress of ['33%', '67%']) {
      const response = await fhir(location, call)
      expect(response.status).toBe(202)
      expect(response.headers).toMatchObject({ 'x-progress': progress, 'retry-after': '1' })
    }
    const response = await fhir(location, call)
    expect(response.status).toBe(200)
    expect(response.headers['content-type']).toBe('application/json')
    return JSON.parse(response.body)
  }

  async function linesOf(url: string, call: Call = all): Promise<Json[]> {
    const response = await fhir(url, call)
    expect(response.status).toBe(200)
    expect(response.headers['content-type']).toBe('application/fhir+ndjson')
    expect(response.body.endsWith('\n')).toBe(true)
    return response.body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
  }

  test.each(['Group/sandbox-cohort/$export', 'Patient/$export', 'Patient/%24export'])(
    '%s: kick-off, two polls, manifest, files with all data',
    async (target) => {
      const manifest = await manifestOf(await start(target))
      expect(manifest).toMatchObject({ request: `${baseUrl}/${target}`, requiresAccessToken: true, error: [] })
      expect(Number.isNaN(Date.parse(manifest.transactionTime))).toBe(false)
      expect(manifest.output.map((output: Json) => output.type).sort()).toEqual(typesWithData)
      for (const { type, url, count } of manifest.output) {
        const lines = await linesOf(url)
        expect(lines).toHaveLength(count)
        expect(lines).toEqual(await everything(`${type}?_count=200`))
      }
    },
  )

  test('_type, _since and restricted scopes narrow what is exported', async () => {
    const typed = await manifestOf(await start('Patient/$export?_type=Patient,Condition&_type=Condition'))
    expect(typed.output.map((output: Json) => output.type)).toEqual(['Patient', 'Condition'])
    expect(typed.request).toContain('?_type=')
    const newer = await manifestOf(await start('Patient/$export?_since=2024-06-01T00:00:00Z'))
    for (const { type, url } of newer.output) {
      expect(type).not.toBe('Patient')
      for (const line of await linesOf(url)) expect(line.meta.lastUpdated > '2024-06').toBe(true)
    }
    const call = { scopes: 'system/Observation.rs?category=laboratory system/Group.rs user/Patient.rs', headers }
    const narrow = await manifestOf(await start('Group/sandbox-cohort/$export', call), call)
    expect(narrow.output.map((output: Json) => output.type)).toEqual(['Observation', 'Group'])
    const laboratory = await linesOf(narrow.output[0].url, call)
    expect(laboratory).toEqual(await everything('Observation?category=laboratory&_count=200'))
  })

  test.each(['user/*.cruds', 'patient/*.rs', 'system/Group.rs user/*.cruds', 'system/Patient.c', 'openid'])(
    'needs system/ scopes that cover it, not %s',
    async (scopes) => {
      const target = 'Group/sandbox-cohort/$export?_type=Patient'
      const response = await fhir(target, { scopes, patient: amber, headers })
      expectOutcome(response, 403, 'forbidden')
      expect(response.headers['www-authenticate']).toContain('error="insufficient_scope"')
    },
  )

  test.each([
    ['Patient/$export', { accept: 'application/fhir+json' }],
    ['Patient/$export', { prefer: 'respond-async' }],
    ['Patient/$export', { prefer: 'respond-async', accept: 'application/json' }],
    ['Patient/$export?_type=Colour', headers],
    ['Patient/$export?_type=', headers],
    ['Patient/$export?_since=yesterday', headers],
    ['Patient/$export?_outputFormat=csv', headers],
  ])('400: %s with %o', async (target, sent) => {
    const response = await fhir(target, { scopes: 'system/*.rs', headers: sent })
    expectOutcome(response, 400, JSON.parse(response.body).issue[0].code)
  })

  test('an unknown Group: 404', async () => {
    expectOutcome(await fhir('Group/nobody/$export', all), 404, 'not-found')
  })

  test('files need a token that still covers them, and are not there before the manifest', async () => {
    const location = await start('Patient/$export?_type=Patient')
    expectOutcome(await fhir(`${location}/Patient.ndjson`, all), 404, 'not-found')
    const [file] = (await manifestOf(location)).output
    expectOutcome(await send(request(file.url)), 401, 'login')
    expectOutcome(await fhir(file.url, { scopes: 'system/Group.rs' }), 403, 'forbidden')
    expectOutcome(await fhir(`${location}/Condition.ndjson`, all), 404, 'not-found')
    expectOutcome(await fhir(`${location}/Patient`, all), 404, 'not-found')
  })

  test("another client's export is not there", async () => {
    const location = await start('Patient/$export')
    for (const method of ['GET', 'DELETE']) {
      expectOutcome(await fhir(location, { ...all, method, clientId: 'another' }), 404, 'not-found')
    }
    await manifestOf(location)
    expectOutcome(await fhir(`${location}/Patient.ndjson`, { ...all, clientId: 'another' }), 404, 'not-found')
  })

  test('DELETE cancels: 202, then 404 for status and files', async () => {
    const location = await start('Patient/$export')
    const [file] = (await manifestOf(location)).output
    expect((await fhir(location, { ...all, method: 'DELETE' })).status).toBe(202)
    expectOutcome(await fhir(location, all), 404, 'not-found')
    expectOutcome(await fhir(file.url, all), 404, 'not-found')
    expectOutcome(await fhir(location, { ...all, method: 'DELETE' }), 404, 'not-found')
  })

  test('other methods: 405', async () => {
    const location = await start('Patient/$export')
    expectOutcome(await fhir('Patient/$export', { ...all, method: 'POST' }), 405, 'not-supported')
    expectOutcome(await fhir(location, { ...all, method: 'PUT' }), 405, 'not-supported')
    expectOutcome(await fhir(`${location}/Patient.ndjson`, { ...all, method: 'DELETE' }), 405, 'not-supported')
  })
})
