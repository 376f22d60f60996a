import {
  type BackendServices,
  type BackendServicesOptions,
  createBackendServices,
  createSmartLaunch,
  FhirAuthError,
  type FhirContext,
  type FhirRequirement,
  type SmartLaunch,
  type SmartLaunchOptions,
} from '@fhir-auth/core'
import {
  type Answer,
  contextBehindGuard,
  createFhirGuard,
  type FhirHandler,
  type Finding,
  failureAnswer,
  findContext,
  GUARDED_CACHE_CONTROL,
  headersBesideBody,
  MissingContext,
  NodeRequest,
} from '@fhir-auth/core/adapter'
import type {
  FastifyInstance,
  FastifyPluginAsync,
  FastifyRequest,
  FastifySchema,
  HookHandlerDoneFunction,
} from 'fastify'
import fastifyPlugin from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyRequest {
    /** The context of this request's session or backend service, if there is one. Its token is valid. */
    fhir: FhirContext | null
  }
}

export interface ProblemHandling {
  /**
   * `answer`: problems (a refused login, a missing scope, …) are answered directly, as problem+json or a plain page.
   * `forward`: they go to the scope's error handler as `FhirAuthError`. Default `answer`.
   */
  problems?: 'answer' | 'forward' | undefined
}

/** Options of a SMART app launch, or `launch`: an instance made by `createSmartLaunch`. */
export type SmartLaunchPluginOptions = ProblemHandling & (SmartLaunchOptions | { launch: SmartLaunch })

/** Options of backend services, or `backend`: an instance made by `createBackendServices`. */
export type BackendServicesPluginOptions = ProblemHandling & (BackendServicesOptions | { backend: BackendServices })

/** The parts of a request and a reply that a guard needs. Every kind of server has them, http2 included. */
type GuardedRequest = Pick<FastifyRequest, 'method' | 'url' | 'headers' | 'fhir'>
interface GuardedReply {
  code(status: number): unknown
  headers(values: Record<string, string>): unknown
  header(name: string, values: string | string[]): unknown
  hasHeader(name: string): boolean
  send(body?: Uint8Array): unknown
}
type Done = HookHandlerDoneFunction

/** Keeps the reason on a request without a context, for the guard. */
const MISSING: unique symbol = Symbol('fhir-auth missing context')
type MarkedRequest = GuardedRequest & { [MISSING]: MissingContext | null }

/**
 * Logs people in with SMART app launch, and sets `request.fhir` for people who are logged in: in the scope that registers it
 * and in its child scopes.
 *
 * @throws `invalid_option`, `insecure_url` for wrong options, when the app gets ready
 */
export const smartLaunch: FastifyPluginAsync<SmartLaunchPluginOptions> = fastifyPlugin(
  // Async, so that avvio makes the app reject if this throws.
  async function smartLaunch(fastify: FastifyInstance, { problems, ...options }: SmartLaunchPluginOptions) {
    const isShared = 'launch' in options
    install(fastify, isShared ? options.launch : createSmartLaunch(options), isShared, problems)
  },
  { name: 'fhir-auth-smart-launch', fastify: '5.x' },
)

/**
 * Serves the app's JWKS, and sets `request.fhir` to a context with a system token. It leaves requests alone that smartLaunch
 * has handled, logged in or not. So a person never gets the system's token, in whichever order the two are registered.
 * Any request that passes it may get a new token, so register it after your own `onRequest` hook that checks who is asking.
 *
 * @throws `invalid_option`, `insecure_url` for wrong options, when the app gets ready
 */
export const backendServices: FastifyPluginAsync<BackendServicesPluginOptions> = fastifyPlugin(
  async function backendServices(fastify: FastifyInstance, { problems, ...options }: BackendServicesPluginOptions) {
    const isShared = 'backend' in options
    install(fastify, isShared ? options.backend : createBackendServices(options), isShared, problems)
  },
  { name: 'fhir-auth-backend-services', fastify: '5.x' },
)

/**
 * A `preHandler` that lets a request pass only with a context, and with the scopes and launch context that it needs.
 * Otherwise a person is sent to the login, and a program gets 401 or 403 with problem+json.
 *
 * @throws `invalid_option` for an unknown option or a malformed scope
 */
export function requireFhir(
  requirement: FhirRequirement = {},
  { problems }: ProblemHandling = {},
): (request: GuardedRequest, reply: GuardedReply, done: Done) => void {
  const guard = createFhirGuard(requirement)
  return function requireFhir(request, reply, done) {
    // Fastify does not catch errors of a hook with a callback: the process would end.
    try {
      const refusal = guard(findingOf(request), new NodeRequest(request, request.url))
      if (refusal) {
        apply(refusal, reply, done, problems)
        return
      }
      if (!reply.hasHeader('cache-control')) reply.header('cache-control', GUARDED_CACHE_CONTROL)
    } catch (error) {
      done(error as Error) // Fastify's error handler takes any value
      return
    }
    done()
  }
}

/**
 * The context of a request behind {@link requireFhir}.
 *
 * @throws `login_required` if no guard ran
 */
export function fhirOf(request: Pick<FastifyRequest, 'fhir'>): FhirContext {
  return contextBehindGuard(request.fhir)
}

/**
 * An error handler for `setErrorHandler`. It answers the errors of `fhir.json()` and `fhir.fetch()` that a handler lets
 * through: a page in plain words for a person, problem+json (RFC 9457) for a program, and a log line for the operator. All
 * other errors go on to the error handler of the scope above, and so do mistakes of the app (`FhirAuthError` with status 500).
 */
export function fhirErrors(): (error: unknown, request: GuardedRequest, reply: GuardedReply) => void {
  return function fhirErrors(error, request, reply) {
    const answer = failureAnswer(error, findingOf(request), new NodeRequest(request, request.url))
    if (answer) send(answer, reply)
    else throw error
  }
}

function install(
  fastify: FastifyInstance,
  handler: SmartLaunch | BackendServices,
  isShared: boolean,
  problems: ProblemHandling['problems'],
): void {
  // A child scope inherits both decorators.
  if (!fastify.hasRequestDecorator('fhir')) fastify.decorateRequest('fhir', null)
  if (!fastify.hasRequestDecorator(MISSING)) fastify.decorateRequest(MISSING, null)
  addRoutes(fastify, handler, isShared)
  // In onRequest the body is not parsed yet, so the logout form needs no parser.
  fastify.addHook('onRequest', serverOf(handler, problems))
  // A refresh that is cut off may lose its session.
  fastify.addHook('onClose', () => handler.idle())
}

/** Adds a route for each path that the hook answers, because Fastify runs the hooks of a scope only for its routes. */
function addRoutes(fastify: FastifyInstance, handler: FhirHandler, isShared: boolean): void {
  const { prefix } = fastify
  for (const path of handler.paths) {
    if (path !== prefix && !path.startsWith(`${prefix}/`)) {
      // Several scopes share the instance; another one may serve this path.
      if (isShared) continue
      throw new FhirAuthError(
        'invalid_option',
        `${path} is outside the prefix ${prefix} of this scope, so the plugin would never get a request for it. ` +
          'Begin the path with the prefix (jwksPath: false for no JWKS), or register the plugin in the scope above.',
      )
    }
    if (isShared && fastify.hasRoute({ method: 'GET', url: path })) continue
    fastify.all(path.slice(prefix.length), {
      // Hides it from @fastify/swagger: it is not part of the app's API.
      schema: { hide: true } as FastifySchema,
      logSerializers: { req: withoutQuery },
      // Only reached if the router matches this path and core does not, for example with other case.
      handler: (_request, reply) => reply.callNotFound(),
    })
  }
}

/** The request as Fastify logs it, but without the query: a callback's query contains the authorization code. */
function withoutQuery({ method, originalUrl, host, ip, socket }: FastifyRequest): object {
  const [url] = originalUrl.split('?')
  return { method, url, host, remoteAddress: ip, remotePort: socket.remotePort }
}

function serverOf(handler: FhirHandler, problems: ProblemHandling['problems']) {
  return function serve(fastifyRequest: GuardedRequest, reply: GuardedReply, done: Done): void {
    const request = new NodeRequest(fastifyRequest, fastifyRequest.url)
    if (handler.handles(request.url)) {
      Promise.resolve(handler.answer(request))
        .then((answer) => apply(answer, reply, done, problems))
        .catch(done)
      return
    }
    const found = findContext(handler, request, findingOf(fastifyRequest))
    if (found instanceof Promise) found.then((late) => attach(late, fastifyRequest, done)).catch(done)
    else attach(found, fastifyRequest, done)
  }
}

export function findingOf(request: GuardedRequest): Finding | null {
  return request.fhir ?? (request as MarkedRequest)[MISSING]
}

function attach(found: Finding, request: GuardedRequest, done: Done): void {
  const marked = request as MarkedRequest // decorated beside `fhir`
  const isMissing = found instanceof MissingContext
  marked.fhir = isMissing ? null : found
  marked[MISSING] = isMissing ? found : null
  done()
}

function apply(answer: Answer, reply: GuardedReply, done: Done, problems: ProblemHandling['problems']): void {
  if (answer.cookies.length > 0) reply.header('set-cookie', [...answer.cookies])
  if (answer.kind === 'problem' && problems === 'forward') {
    reply.headers(headersBesideBody(answer))
    done(answer.error)
    return
  }
  send(answer, reply)
}

function send(answer: Answer, reply: GuardedReply): void {
  reply.code(answer.status)
  reply.headers(answer.headers)
  // Bytes, because Fastify adds a charset to the content type of text; undefined, because it adds a type to an empty body.
  reply.send(answer.body === '' ? undefined : Buffer.from(answer.body))
}
