import { createUserAgent } from '@fhir-auth/sandbox'
import { describe, expect, it } from 'vitest'
import {
  createBackendServices,
  createSmartLaunch,
  type Dialect,
  type DialectOverrides,
  loadKeySet,
  smart,
} from '../../src/index.ts'
import { refreshGrant } from '../../src/oauth/grants.ts'
import { startCoreApp } from '../support/core-app.ts'
import { registeredClient, startSandbox } from '../support/registered-client.ts'
import { ecJwk } from '../support/signing-jwks.ts'
import { sendJson, startTokenServer } from '../support/token-server.ts'

const LABORATORY =
  'patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory'

async function logIn(scope: string, dialect: Dialect = smart(), capabilities?: string[]) {
  const sandbox = await startSandbox({ consent: 'auto' })
  if (capabilities) {
    sandbox.fault({ at: 'smart-configuration', kind: 'json', patch: (body) => ({ ...body, capabilities }) })
  }
  const app = await startCoreApp(
    (origin) => {
      const redirectUri = `${origin}/callback`
      sandbox.registerClient({ clientId: 'app', redirectUris: [redirectUri] })
      const { fhirBaseUrl } = sandbox
      const session = { secret: crypto.randomUUID() }
      return createSmartLaunch({ fhirBaseUrl, clientId: 'app', redirectUri, scope, dialect, session })
    },
    (fhir) => ({ scope: fhir?.scope.toString() }),
  )
  const response = await createUserAgent().signIn(`${app.origin}/login`)
  const [authorize] = sandbox.requestsTo('/authorize')
  return { sandbox, response, authorize }
}

describe('scope in the authorization request', () => {
  it('SCP-08 scopes are joined by one space, without duplicates, in their order', async () => {
    const { authorize } = await logIn('  openid \n patient/*.rs\topenid  launch/patient patient/*.rs ')
    expect(authorize?.query.get('scope')).toBe('openid patient/*.rs launch/patient')
  })

  it('SCP-08 a scope with a query is encoded once, and is granted as it was written', async () => {
    const { authorize, response } = await logIn(`launch/patient ${LABORATORY}`)
    expect(authorize?.query.getAll('scope')).toEqual([`launch/patient ${LABORATORY}`])
    const [, written] = /[?&]scope=([^&]*)/.exec(authorize?.url ?? '') ?? []
    expect(written).toMatch(/^launch%2Fpatient(?:\+|%20)patient%2FObservation\.rs%3Fcategory%3Dhttp%3A%2F%2F/)
    expect(written).toContain('observation-category%7Claboratory')
    expect(written).not.toContain('%25')
    expect(await response.json()).toEqual({ scope: `launch/patient ${LABORATORY}` })
  })

  it('AUTHZ-08 no parameter is repeated and none is empty', async () => {
    const parameters = { resource: '', state: 'from-the-dialect', prompt: 'login', scope: 'system/*.cruds' }
    const authorization: DialectOverrides['authorization'] = { parameters, audienceParameter: 'both' }
    const { authorize } = await logIn('openid fhirUser launch/patient', smart({ authorization }))
    const names = [...(authorize?.query.keys() ?? [])]
    expect(new Set(names).size).toBe(names.length)
    expect([...(authorize?.query.values() ?? [])]).not.toContain('')
    expect(names).not.toContain('resource')
    // And what the flow itself sends is not overridden.
    expect(authorize?.query.get('state')).toHaveLength(43)
    expect(authorize?.query.get('scope')).toBe('openid fhirUser launch/patient')
    expect(authorize?.query.get('prompt')).toBe('login')
  })

  it('SCP-09 a v2 scope goes unchanged to a server that says it speaks v1 alone: nothing is widened in silence', async () => {
    const scope = 'launch/patient patient/Observation.r patient/Patient.rs'
    const { authorize } = await logIn(scope, smart(), ['launch-standalone', 'client-public', 'permission-v1'])
    expect(authorize?.query.get('scope')).toBe(scope)
  })

  it('SCP-09 a v1 scope goes unchanged to a server that says it speaks v2 alone', async () => {
    const scope = 'launch/patient patient/Observation.read'
    const { authorize } = await logIn(scope, smart(), ['launch-standalone', 'client-public', 'permission-v2'])
    expect(authorize?.query.get('scope')).toBe(scope)
  })

  it('SCP-12 the dialect’s spelling is sent', async () => {
    const scopes = { encode: (scope: string) => scope.replace('/', '_') }
    const { authorize } = await logIn('launch/patient patient/Patient.rs', smart({ scopes }))
    expect(authorize?.query.get('scope')).toBe('launch_patient patient_Patient.rs')
  })
})

describe('scope in a token request', () => {
  async function backendToken(scope: string, dialect: Dialect, granted: string | undefined) {
    const server = await startTokenServer((_request, response) =>
      sendJson(response, { access_token: 't', token_type: 'bearer', expires_in: 300, scope: granted }),
    )
    const keys = await loadKeySet(ecJwk())
    const { fhirBaseUrl } = server
    const context = await createBackendServices({ fhirBaseUrl, clientId: 'job', keys, scope, dialect }).context()
    return { sent: server.tokenRequests[0]?.form.get('scope'), body: server.tokenRequests[0]?.body, context }
  }

  it('SCP-08 the same rules hold in a form body', async () => {
    const scope = LABORATORY.replace('patient', 'system')
    const { sent, body } = await backendToken(` ${scope}   system/Group.r ${scope}`, smart(), undefined)
    expect(sent).toBe(`${scope} system/Group.r`)
    expect(body).toContain('%3Fcategory%3Dhttp%3A%2F%2Fterminology')
    expect(body).not.toContain('%25')
  })

  // A spelling whose two directions are no mistake for each other: "/" as "-", and "-" as "--".
  const scopes = {
    encode: (scope: string) => scope.replaceAll('-', '--').replace('/', '-'),
    decode: (scope: string) => scope.replace(/--|-/g, (dashes) => (dashes === '-' ? '/' : '-')),
  }
  const VITALS = 'system/Observation.rs?category=vital-signs'

  it('SCP-12 the dialect’s spelling is sent, and what is granted is read back from it', async () => {
    const granted = 'system-Observation.rs?category=vital--signs'
    const { sent, context } = await backendToken(`${VITALS} system/Group.r`, smart({ scopes }), granted)
    expect(sent).toBe(`${granted} system-Group.r`)
    expect([...context.scope]).toEqual([VITALS])
  })

  it('SCP-12 where the server does not say what it granted, it is what was asked for, in SMART’s spelling', async () => {
    const { context } = await backendToken(VITALS, smart({ scopes }), undefined)
    expect([...context.scope]).toEqual([VITALS])
  })

  it('SCP-12 a refresh that narrows the scope spells it the dialect’s way too', async () => {
    const server = await startTokenServer()
    const channel = { http: {}, now: Date.now }
    const at = { tokenEndpoint: server.tokenEndpoint, issuer: undefined }
    const request = { refreshToken: 'a-refresh-token', grantedScope: `${VITALS} system/Group.r`, scope: VITALS }
    await refreshGrant(request, { client: registeredClient({ dialect: smart({ scopes }) }), server: at, channel })
    expect(server.tokenRequests[0]?.form.get('scope')).toBe('system-Observation.rs?category=vital--signs')
  })
})
