import type { default as Provider } from 'oidc-provider'
import { findAccess, introspectWithBearer } from './access-tokens.ts'
import { type Answer, jsonAnswer, sendAnswer } from './answer.ts'
import { applyFault, type FaultPoint, type FaultSwitches, rewriteCallback } from './faults.ts'
import { createFhirApi } from './fhir/fhir-api.ts'
import type { IncomingCall } from './http-hosts.ts'
import { createInteractionPages } from './interaction-pages.ts'
import type { RecordedRequest } from './request-record.ts'
import type { SandboxState } from './sandbox-state.ts'
import { smartConfigurationAnswer } from './smart-configuration.ts'
import { prepareClientRequest } from './token-request-preparation.ts'

const authPoints: Readonly<Record<string, FaultPoint>> = {
  '/.well-known/openid-configuration': 'openid-configuration',
  '/jwks': 'jwks',
  '/authorize': 'authorize',
  '/token': 'token',
  '/revoke': 'revocation',
  '/introspect': 'introspection',
}
const fhirPoints: Readonly<Record<string, FaultPoint>> = {
  '/.well-known/smart-configuration': 'smart-configuration',
  '/metadata': 'metadata',
}
const clientEndpoints = new Set(['/token', '/revoke', '/introspect'])

/** Routes every request of both hosts, and applies faults. */
export function createRoutes(options: {
  state: SandboxState
  /** The current authorization server. New keys need a new one. */
  provider: () => Provider
  faults: FaultSwitches
  smartConfiguration: boolean
  ehrPage: (request: RecordedRequest) => Answer
  closed: AbortSignal
}): (call: IncomingCall) => Promise<void> {
  const { state, provider, faults, smartConfiguration, ehrPage, closed } = options
  const interactionPages = createInteractionPages(state)
  const fhirPrefix = new URL(state.fhirBaseUrl).pathname.replace(/\/$/, '')
  const fhirApi = createFhirApi({
    baseUrl: state.fhirBaseUrl,
    authenticate: (token) => findAccess(provider(), state, token),
    securityExtension: {
      authorize: `${state.issuer}/authorize`,
      token: state.tokenEndpoint,
      revoke: `${state.issuer}/revoke`,
      introspect: `${state.issuer}/introspect`,
    },
  })

  const isOwnUrl = (url: string): boolean => new URL(url, state.issuer).origin === state.issuer
  const takeCallbackPatch = (): ((params: URLSearchParams) => void) | undefined => {
    const [fault] = faults.take('callback')
    return fault?.kind === 'callback' ? fault.patch : undefined
  }

  async function fhirAnswer({ recorded }: IncomingCall, path: string): Promise<Answer> {
    if (path === '/.well-known/smart-configuration') {
      return smartConfiguration ? smartConfigurationAnswer(state) : jsonAnswer(404, { error: 'not found' })
    }
    const { method, query, headers, body } = recorded
    return fhirApi({ method, path: path || '/', query, headers, body })
  }

  /** The answer; undefined if the authorization server answers. */
  async function authAnswer(call: IncomingCall): Promise<Answer | undefined> {
    const { recorded } = call
    if (recorded.path === '/ehr') return ehrPage(recorded)
    if (recorded.path.startsWith('/interaction/')) return interactionPages(provider(), call)
    if (recorded.path === '/authorize') prepareAuthorizationRequest(call)
    if (recorded.path === '/introspect' && recorded.headers.authorization?.startsWith('Bearer ')) {
      return introspectWithBearer(provider(), state, recorded)
    }
    if (clientEndpoints.has(recorded.path)) return prepareClientRequest(state, call)
    return undefined
  }

  return async (call) => {
    const { recorded, response, message } = call
    const isFhir = recorded.host === 'fhir'
    const path = isFhir ? recorded.path.slice(fhirPrefix.length) : recorded.path
    const point = isFhir ? (fhirPoints[path] ?? 'fhir') : authPoints[path]
    for (const fault of point ? faults.take(point) : []) {
      if (await applyFault(fault, call, closed)) return
    }
    if (!isFhir && path.startsWith('/authorize')) rewriteCallback(response, isOwnUrl, takeCallbackPatch)
    const answer = isFhir ? await fhirAnswer(call, path) : await authAnswer(call)
    if (answer) sendAnswer(response, answer)
    else await provider().callback()(message, response)
  }
}

/**
 * Adapts the authorization request for the authorization server: POST becomes GET (SMART App Launch 2.2 "authorize-post"), and
 * consent is always requested, because otherwise it would drop `offline_access`.
 */
function prepareAuthorizationRequest({ message, recorded }: IncomingCall): void {
  const params = recorded.method === 'POST' ? recorded.form : recorded.query
  const prompts = new Set(params.get('prompt')?.split(' ') ?? [])
  if (!prompts.has('none')) prompts.add('consent')
  const query = new URLSearchParams(params)
  query.set('prompt', [...prompts].join(' '))
  if (recorded.method === 'POST') {
    for (const name of ['content-type', 'content-length', 'transfer-encoding']) delete message.headers[name]
    message.method = 'GET'
  }
  message.url = `${recorded.path}?${query}`
}
