import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { createAuthorizationServer } from './authorization-server.ts'
import { createClientRegistry } from './client-registry.ts'
import { createEhrPage } from './ehr-page.ts'
import { createFaultSwitches } from './faults.ts'
import { patients } from './fhir/patients.ts'
import { startHttpHost } from './http-hosts.ts'
import { Inspector } from './inspector/inspector.ts'
import { createLaunchHandles } from './launch-context.ts'
import { createProviderStorage } from './memory-adapter.ts'
import type { RecordedRequest } from './request-record.ts'
import { createRoutes } from './routes.ts'
import type { Sandbox } from './sandbox.ts'
import type { EhrLaunch, SandboxOptions } from './sandbox-options.ts'
import type { SandboxState } from './sandbox-state.ts'
import { generateSigningKey, signJwt } from './signing-keys.ts'
import { createUsers } from './users.ts'

/**
 * Starts a SMART authorization server and a FHIR API over invented patients, on loopback.
 * @throws TypeError for a wrong option, and the error of `listen` if a port is in use
 */
export async function createSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { mode = 'smart', host = '127.0.0.1', fhirPort = 0, authPort = 0, smartConfiguration = true } = options
  const autoPatient = options.consent === 'auto' ? (options.autoPatient ?? patients[0]?.id) : undefined
  if (autoPatient !== undefined && !patients.some(({ id }) => id === autoPatient)) {
    throw new TypeError(
      `autoPatient ${autoPatient} is not a patient of the sandbox: ${patients.map(({ id }) => id).join(', ')}`,
    )
  }

  const clients = createClientRegistry()
  for (const client of options.clients ?? []) clients.register(client)
  const requests: RecordedRequest[] = []
  const faults = createFaultSwitches()
  const launches = createLaunchHandles()
  const closing = new AbortController()
  // Many slow responses may listen for it, so the usual limit is off.
  setMaxListeners(0, closing.signal)
  let routes: ReturnType<typeof createRoutes> | undefined
  let inspector: Inspector | undefined

  // The servers listen first, because issuer and FHIR base contain their ports.
  const listen = (port: number, hostOf: (path: string) => RecordedRequest['host']) =>
    startHttpHost({
      host,
      port,
      hostOf,
      record: (request) => {
        if (!inspector?.handles(request)) requests.push(request)
      },
      handle: async (call) => {
        if (inspector?.handles(call.recorded)) return inspector.answer(call)
        inspector?.watch(call)
        return routes?.(call)
      },
    })
  const fhirHost = await listen(fhirPort, (path) =>
    mode === 'intelichart' || /^\/fhir(\/|$)/.test(path) ? 'fhir' : 'auth',
  )
  const authHost =
    mode === 'intelichart'
      ? await listen(authPort, () => 'auth').catch(async (error: unknown) => {
          await fhirHost.close()
          throw error
        })
      : fhirHost
  const origin = { fhir: fhirHost.origin, auth: authHost.origin }

  const state: SandboxState = {
    mode,
    issuer: origin.auth,
    fhirBaseUrl: mode === 'intelichart' ? origin.fhir : `${origin.fhir}/fhir`,
    tokenEndpoint: `${origin.auth}/token`,
    accessTokenSeconds: options.accessTokenSeconds ?? 300,
    refreshTokenSeconds: options.refreshTokenSeconds ?? 3600,
    authorizationCodeSeconds: options.authorizationCodeSeconds ?? 60,
    rotateRefreshTokens: options.rotateRefreshTokens ?? true,
    autoPatient,
    storage: createProviderStorage(clients.metadata),
    clients,
    users: createUsers(),
    launches,
    contexts: new Map(),
    refreshReuseDetections: 0,
  }
  if (options.inspector) inspector = new Inspector(state, faults)
  const ehrLaunch = ({ launchUrl, ...launch }: EhrLaunch): string => {
    if (!patients.some(({ id }) => id === launch.patient)) {
      throw new TypeError(`the sandbox has no patient ${launch.patient}: see sandbox.patients`)
    }
    const url = new URL(launchUrl)
    url.searchParams.set('iss', state.fhirBaseUrl)
    url.searchParams.set('launch', launches.create({ launchUrl, ...launch }))
    return url.href
  }

  const cookieKey = randomBytes(32).toString('base64url')
  let key = await generateSigningKey()
  let provider = await createAuthorizationServer(state, key, cookieKey)
  routes = createRoutes({
    state,
    provider: () => provider,
    faults,
    smartConfiguration,
    ehrPage: createEhrPage(ehrLaunch, clients),
    closed: closing.signal,
  })

  return {
    fhirBaseUrl: state.fhirBaseUrl,
    issuer: state.issuer,
    origin,
    patients,
    requests,
    requestsTo: (path) =>
      requests.filter((request) => (typeof path === 'string' ? request.path === path : path.test(request.path))),
    clearRequests() {
      requests.length = 0
    },
    registerClient: clients.register,
    ehrLaunch,
    fault: faults.add,
    clearFaults: faults.clear,
    async rotateSigningKeys() {
      key = await generateSigningKey()
      provider = await createAuthorizationServer(state, key, cookieKey)
    },
    async signIdToken(claims, { key: which = 'current', alg } = {}) {
      return signJwt(claims, which === 'current' ? key : await generateSigningKey(), alg)
    },
    revokeAll: state.storage.revokeAll,
    get refreshReuseDetections() {
      return state.refreshReuseDetections
    },
    async close() {
      closing.abort()
      await Promise.all(new Set([fhirHost.close(), ...(authHost === fhirHost ? [] : [authHost.close()])]))
    },
  }
}
