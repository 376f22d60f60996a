import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FhirAuthError } from '@fhir-auth/core'
import { describe, expect, test } from 'vitest'
import { adviceFor } from '../src/advice/token-advice.ts'
import { readAllowedBy } from '../src/fhir-read.ts'
import { type Backend, startBackend } from './support/backend.ts'
import { type Run, run } from './support/run.ts'
import { serve, serveDocuments } from './support/server.ts'

const SECRET = 'a-secret-of-this-test'
const statuses = ({ json }: Run) =>
  (json().checks as { name: string; status: string }[]).map(({ name, status }) => `${name} ${status}`)
const detailsOf = ({ json }: Run, name: string) =>
  (json().checks as { name: string; summary: string; details: string[] }[])
    .filter((check) => check.name === name)
    .map(({ summary, details }) => [summary, ...details].join('\n'))[0]
const doctor = (backend: Backend, changes?: Record<string, unknown>) =>
  run(['doctor', '--config', backend.configure(changes), '--json'])

describe('everything is right', () => {
  test('six green checks, in the order of need, and exit code 0', async () => {
    const backend = await startBackend()
    const result = await doctor(backend)
    expect(statuses(result)).toEqual([
      'configuration green',
      'keys green',
      // The host of this test sends no Cache-Control.
      'jwks amber',
      'discovery green',
      'token green',
      'read green',
    ])
    expect(result.code).toBe(0)
    expect(detailsOf(result, 'read')).toBe('GET Patient?_count=1: It answered 200 with a Bundle.')
    expect(backend.sandbox.requestsTo('/fhir/Patient')).toHaveLength(1)
  })

  test('as text, a line for each, and a verdict', async () => {
    const { code, stdout } = await run(['doctor', '--config', (await startBackend()).configure()])
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^ok {4}Configuration: job at http.*, dialect smart\nok {4}Keys: .* \(ES384, active\)\nwarn {2}Hosted JWKS: /,
    )
    expect(stdout).toMatch(/\n5 ok, 1 with a warning, 0 failed, 0 not checked\n$/)
  })

  test('neither the token nor a key nor a patient is shown', async () => {
    const backend = await startBackend()
    const outputs = [await doctor(backend), await run(['doctor', '--config', backend.configure()])]
    const [sent] = backend.sandbox.requestsTo('/fhir/Patient')
    const bearer = String(sent?.headers.authorization).replace('Bearer ', '')
    expect(bearer.length).toBeGreaterThan(10)
    for (const { stdout, stderr } of outputs) {
      for (const hidden of [bearer, ...backend.privateMembers, 'Testwell'])
        expect(stdout + stderr).not.toContain(hidden)
    }
  })

  test('the algorithms that the server lists are named', async () => {
    const result = await doctor(await startBackend())
    expect(detailsOf(result, 'discovery')).toMatch(/assertions: RS256, RS384, .*ES384/)
  })

  test('InteliChart', async () => {
    const result = await doctor(await startBackend({ mode: 'intelichart' }), { dialect: 'intelichart' })
    expect(statuses(result).filter((status) => status.endsWith('red'))).toEqual([])
    expect(result.code).toBe(0)
  })

  test('keys under rotation: each with its state, and the active one signs', async () => {
    const backend = await startBackend()
    const { kid, retires } = (
      await run(['keygen', '--rotate', backend.file, '--sign-from', '2999-01-01', '--json'])
    ).json()
    const [{ kid: first }] = retires as [{ kid: string }]
    const result = await doctor(backend)
    expect(statuses(result)).toContain('token green')
    expect(detailsOf(result, 'keys')).toBe(
      `${first} (ES384, active, signs until 2999-01-01T00:00:00Z), ${kid} (ES384, next, signs from 2999-01-01T00:00:00Z)`,
    )
  })

  test('a client with a secret has no keys to check', async () => {
    const backend = await startBackend({ clients: [{ clientId: 'symmetric', clientSecret: SECRET }] })
    const result = await doctor(backend, { clientId: 'symmetric', clientSecret: SECRET, privateJwks: undefined })
    expect(statuses(result)).toEqual([
      'configuration green',
      'keys skipped',
      'jwks skipped',
      'discovery green',
      'token green',
      'read green',
    ])
    expect(result.stdout).not.toContain(SECRET)
  })
})

describe('exit code 2: wrong usage or an incomplete configuration, and nothing is sent', () => {
  test.each([
    ['no configuration', [], {}],
    ['a typo in an option', ['--dialct', 'epic'], {}],
    ['a dialect that is not known', [], { dialect: 'epik' }],
    ['a member that is not known', [], { fhirBaseURL: 'https://fhir.example.com' }],
    ['a key file that is not there', [], { privateJwks: 'nowhere.json' }],
    ['a base URL that is none', [], { fhirBaseUrl: 'fhir.example.com' }],
  ])('%s', async (title, args, changes) => {
    const backend = await startBackend()
    const config = title === 'no configuration' ? [] : ['--config', backend.configure(changes)]
    const result = await run(['doctor', ...config, ...args])
    expect(result.code).toBe(2)
    expect(backend.sandbox.requests).toEqual([])
    expect((await run(['doctor', ...config, ...args, '--json'])).code).toBe(2)
  })
})

describe('what is wrong is red or amber, and the rest is checked as far as it goes', () => {
  test.each([
    ['no file', undefined, 'There is no file'],
    ['no JSON', `{"clientSecret":"${SECRET}"`, 'is not JSON'],
  ])('%s', async (_title, content, message) => {
    const { folder } = await startBackend()
    const path = join(folder, 'mine.json')
    if (content !== undefined) writeFileSync(path, content)
    const result = await run(['doctor', '--config', path, '--json'])
    expect(result.code).toBe(2)
    expect(statuses(result)).toEqual([
      'configuration red',
      ...['keys', 'jwks', 'discovery', 'token', 'read'].map((name) => `${name} skipped`),
    ])
    expect(detailsOf(result, 'configuration')).toContain(message)
    expect(result.stdout).not.toContain(SECRET)
  })

  test('a setting is missing', async () => {
    const backend = await startBackend()
    const result = await doctor(backend, { clientId: undefined })
    expect(result.code).toBe(2)
    expect(backend.sandbox.requests).toEqual([])
    expect(statuses(result)[0]).toBe('configuration red')
    expect(detailsOf(result, 'configuration')).toContain('There is no clientId. Set --client-id')
  })

  test('keys that cannot be used: hosting and token are not judged by them, discovery is', async () => {
    const backend = await startBackend()
    writeFileSync(backend.file, '{"keys":[]}')
    const result = await doctor(backend)
    expect(result.code).toBe(1)
    expect(statuses(result)).toEqual([
      'configuration green',
      'keys red',
      'jwks skipped',
      'discovery green',
      'token skipped',
      'read skipped',
    ])
  })

  test('keys that cannot be used do not hide what else is missing', async () => {
    const backend = await startBackend()
    writeFileSync(backend.file, '{"keys":[]}')
    const [first] = statuses(await doctor(backend, { scope: undefined }))
    expect(first).toBe('configuration red')
    expect(statuses(await doctor(backend, { dialect: 'other' }))[0]).toBe('configuration red')
  })

  test('neither keys nor a secret', async () => {
    const result = await doctor(await startBackend(), { privateJwks: undefined })
    expect(statuses(result)).toEqual([
      'configuration red',
      'keys skipped',
      'jwks skipped',
      'discovery skipped',
      'token skipped',
      'read skipped',
    ])
    expect(detailsOf(result, 'configuration')).toContain('There is neither a key nor a secret')
  })

  test('a key file that others may read', async () => {
    const backend = await startBackend()
    chmodSync(backend.file, 0o644)
    const result = await doctor(backend)
    expect(statuses(result)).toContain('keys amber')
    expect(detailsOf(result, 'keys')).toContain('chmod 600')
    expect(result.code).toBe(0)
  })

  test('the hosted set is another one', async () => {
    const backend = await startBackend()
    writeFileSync(join(backend.folder, 'jwks.json'), JSON.stringify({ keys: [] }))
    const result = await doctor(backend)
    expect(result.code).toBe(1)
    expect(statuses(result)).toEqual([
      'configuration green',
      'keys green',
      'jwks red',
      'discovery green',
      'token red',
      'read skipped',
    ])
    expect(detailsOf(result, 'jwks')).toContain('is not in the hosted set')
    expect(detailsOf(result, 'token')).toContain('fhir-auth jwks --check')
  })

  test('the JWKS URL is not known', async () => {
    const result = await doctor(await startBackend(), { jwksUrl: undefined })
    expect(statuses(result)).toContain('jwks amber')
    expect(detailsOf(result, 'jwks')).toContain('Set --jwks-url, or JWKS_URL')
    expect(result.code).toBe(0)
  })

  test('discovery fails', async () => {
    const fhirBaseUrl = await serveDocuments(() => ({}))
    const result = await doctor(await startBackend(), { fhirBaseUrl })
    expect(result.code).toBe(1)
    expect(statuses(result).slice(3)).toEqual(['discovery red', 'token red', 'read skipped'])
  })

  test('a login’s matters are none of a system’s', async () => {
    const backend = await startBackend()
    const { sandbox } = backend
    sandbox.fault({
      at: 'smart-configuration',
      kind: 'json',
      patch: (body) => ({ ...body, code_challenge_methods_supported: ['plain'] }),
    })
    expect(statuses(await doctor(backend))).toContain('discovery green')
  })

  test.each([
    [401, 'red', 'the token is refused'],
    [403, 'red', 'this read is not allowed'],
    [400, 'amber', 'Set "read" to one that this server supports'],
    [503, 'red', 'It answered 503'],
  ])('the FHIR API answers %i', async (status, colour, words) => {
    const backend = await startBackend()
    backend.sandbox.fault({ at: 'fhir', kind: 'status', status })
    const result = await doctor(backend)
    expect(statuses(result).at(-1)).toBe(`read ${colour}`)
    expect(detailsOf(result, 'read')).toContain(words)
    expect(result.code).toBe(colour === 'red' ? 1 : 0)
  })

  test.each([
    ['html', 'without a FHIR resource'],
    ['reset', 'cut the connection'],
  ] as const)('the FHIR API has the fault %s', async (kind, words) => {
    const backend = await startBackend()
    backend.sandbox.fault({ at: 'fhir', kind })
    const result = await doctor(backend)
    expect(statuses(result).at(-1)).toBe('read red')
    expect(detailsOf(result, 'read')).toContain(words)
  })

  test('a key of an algorithm that the server does not list', async () => {
    const backend = await startBackend()
    backend.sandbox.fault({
      at: 'smart-configuration',
      kind: 'json',
      patch: (body) => ({ ...body, token_endpoint_auth_signing_alg_values_supported: ['RS256'] }),
    })
    const result = await doctor(backend)
    expect(statuses(result)).toContain('discovery red')
    expect(detailsOf(result, 'discovery')).toContain('fhir-auth keygen --alg RS256')
    expect(detailsOf(result, 'discovery')).toContain('ES384')
  })

  test('jwks_url is what is missing: the dialect stands first', async () => {
    const backend = await startBackend({ mode: 'intelichart' })
    const result = await doctor(backend)
    const check = (result.json().checks as { name: string; details: string[] }[]).find(({ name }) => name === 'token')
    expect(check?.details[0]).toContain('--dialect intelichart')
    expect((await doctor(backend, { dialect: 'intelichart' })).code).toBe(0)
  })

  test.each([
    ['fhir.epic.com', 'epic'],
    ['fhir-ehr.cerner.com', 'oracle-health'],
    ['api.platform.athenahealth.com', 'athenahealth'],
  ])('%s: the dialect of its vendor is named', async (host, dialect) => {
    const failed = {
      error: new FhirAuthError('token_request_refused', 'refused', { oauth: { error: 'invalid_client' } }),
      ...{ authMethod: 'private_key_jwt', clientId: 'job', scope: 'system/Patient.rs', dialect: 'smart' },
      ...{ jwksUrl: undefined, kid: 'k', alg: 'ES384', exchange: undefined, clockAheadSeconds: undefined },
    }
    const advice = adviceFor({ ...failed, fhirBaseUrl: `https://${host}/r4` })
    expect(advice[0]).toContain(`--dialect ${dialect}`)
    const enabled = new FhirAuthError('token_request_refused', 'refused', { oauth: { error: 'unauthorized_client' } })
    const others = adviceFor({ ...failed, error: enabled, fhirBaseUrl: `https://${host}/r4` })
    expect(others.join(' ')).not.toContain('--dialect')
    expect(adviceFor({ ...failed, fhirBaseUrl: 'https://example.com', dialect }).join(' ')).not.toContain('--dialect')
  })

  test('less scope than asked for', async () => {
    const backend = await startBackend()
    const fhirBaseUrl = await serve((request, response) => {
      const answers: Record<string, object> = {
        '/.well-known/smart-configuration': { token_endpoint: `${fhirBaseUrl}/token`, capabilities: [] },
        '/token': { access_token: 'opaque', token_type: 'bearer', scope: 'system/Group.rs' },
        '/Patient?_count=1': { resourceType: 'Bundle' },
      }
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify(answers[request.url ?? ''] ?? {}))
    })
    const result = await doctor(backend, { fhirBaseUrl })
    expect(statuses(result)).toContain('token amber')
    expect(detailsOf(result, 'token')).toContain('Not granted: system/Patient.rs')
  })
})

describe('the read that is tried', () => {
  test.each([
    ['system/Patient.rs', 'Patient?_count=1'],
    ['system/*.read', 'Patient?_count=1'],
    ['openid system/Group.r system/Observation.s', 'Observation?_count=1'],
    ['system/Observation.rs?category=laboratory', 'Observation?category=laboratory&_count=1'],
    ['system/Patient.r', 'metadata'],
    ['system/Patient.c', 'metadata'],
  ])('%s: %s', (scope, path) => {
    expect(readAllowedBy(scope)).toBe(path)
  })

  test('the configuration may name it', async () => {
    const result = await doctor(await startBackend(), { read: 'metadata' })
    expect(detailsOf(result, 'read')).toBe('GET metadata: It answered 200 with a CapabilityStatement.')
  })
})
