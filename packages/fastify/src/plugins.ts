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
    /** The token of this request's session or backend service, when there is one; it is valid now. */
    fhir: FhirContext | null
  }
}

export interface ProblemHandling {
  /**
   * `answer`: problems (a refused login, a missing scope, …) are answered at once, as problem+json or a plain page.
   * `forward`: they go to the scope's error handler as `FhirAuthError`. Default `answer`.
   */
  problems?: 'answer' | 'forward' | undefined
}

/** Options of a SMART app launch, or `launch`: an instance made by `createSmartLaunch`. */
export type SmartLaunchPluginOptions = ProblemHandling & (SmartLaunchOptions | { launch: SmartLaunch })

/** Options of backend services, or `backend`: an instance made by `createBackendServices`. */
export type BackendServicesPluginOptions = ProblemHandling & (BackendServicesOptions | { backend: BackendServices })

/** What a guard needs of a request and its reply: as every kind of server has them, http2 included. */
type GuardedRequest = Pick<FastifyRequest, 'method' | 'url' | 'headers' | 'fhir'>
interface GuardedReply {
  code(status: number): unknown
  headers(values: Record<string, string>): unknown
  header(name: string, values: string | string[]): unknown
  hasHeader(name: string): boolean
  send(body?: Uint8Array): unknown
}
type Done = HookHandlerDoneFunction

/** On a request without a context: why, for the guard. */
const MISSING: unique symbol = Symbol('fhir-auth missing context')
type MarkedRequest = GuardedRequest & { [MISSING]: MissingContext | null }

/**
 * Logs people in by SMART app launch, and sets `request.fhir` for those who are: in the scope that registers it, and
 * the scopes within.
 *
 * @throws `invalid_option`, `insecure_url` while the app gets ready, with options that cannot work
 */
export const smartLaunch: FastifyPluginAsync<SmartLaunchPluginOptions> = fastifyPlugin(
  // Async, so that avvio turns what is thrown into the app's rejection.
  async function smartLaunch(fastify: FastifyInstance, { problems, ...options }: SmartLaunchPluginOptions) {
    const isShared = 'launch' in options
    install(fastify, isShared ? options.launch : createSmartLaunch(options), isShared, problems)
  },
  { name: 'fhir-auth-smart-launch', fastify: '5.x' },
)

/**
 * Serves the app's JWKS, and sets `request.fhir` to a system token. A request that smartLaunch has seen before keeps
 * the person's context, or none: a person never gets the system's rights by the order of two lines.
 *
 * @throws `invalid_option`, `insecure_url` while the app gets ready, with options that cannot work
 */
export const backendServices: FastifyPluginAsync<BackendServicesPluginOptions> = fastifyPlugin(
  async function backendServices(fastify: FastifyInstance, { problems, ...options }: BackendServicesPluginOptions) {
    const isShared = 'backend' in options
    install(fastify, isShared ? options.backend : createBackendServices(options), isShared, problems)
  },
  { name: 'fhir-auth-backend-services', fastify: '5.x' },
)

/**
 * A `preHandler`: lets a request pass only with a context, and with the scopes and launch context it needs. Otherwise:
 * login for a person, 401 or 403 problem+json for a program.
 *
 * @throws `invalid_option` when called with an unknown option or something that is no scope
 */
export function requireFhir(
  requirement: FhirRequirement = {},
  { problems }: ProblemHandling = {},
): (request: GuardedRequest, reply: GuardedReply, done: Done) => void {
  const guard = createFhirGuard(requirement)
  return function requireFhir(request, reply, done) {
    // Fastify catches nothing that a hook with a callback throws: the process would end.
    try {
      const refusal = guard(findingOf(request), new NodeRequest(request, request.url))
      if (refusal) {
        apply(refusal, reply, done, problems)
        return
      }
      if (!reply.hasHeader('cache-control')) reply.header('cache-control', GUARDED_CACHE_CONTROL)
    } catch (error) {
      done(error as Error) // whatever it is, Fastify's error handler takes it
      return
    }
    done()
  }
}

/**
 * The context of a request behind {@link requireFhir}.
 *
 * @throws `login_required` where no guard ran
 */
export function fhirOf(request: Pick<FastifyRequest, 'fhir'>): FhirContext {
  return contextBehindGuard(request.fhir)
}

function install(
  fastify: FastifyInstance,
  handler: FhirHandler,
  isShared: boolean,
  problems: ProblemHandling['problems'],
): void {
  // A scope within a scope that has them already inherits both.
  if (!fastify.hasRequestDecorator('fhir')) fastify.decorateRequest('fhir', null)
  if (!fastify.hasRequestDecorator(MISSING)) fastify.decorateRequest(MISSING, null)
  addRoutes(fastify, handler, isShared)
  // Before a body is parsed: a form that logs out needs no parser.
  fastify.addHook('onRequest', serverOf(handler, problems))
}

/** Fastify runs the hooks of a scope only for its routes, so the paths that the hook answers must be some. */
function addRoutes(fastify: FastifyInstance, handler: FhirHandler, isShared: boolean): void {
  const { prefix } = fastify
  for (const path of handler.paths) {
    if (path !== prefix && !path.startsWith(`${prefix}/`)) {
      // Another scope may answer for an instance that several share.
      if (isShared) continue
      throw new FhirAuthError(
        'invalid_option',
        `${path} is outside of the prefix ${prefix} of this scope, so no request for it would get here. ` +
          'Begin the path with the prefix (jwksPath: false for no JWKS), or register the plugin in the scope above.',
      )
    }
    if (isShared && fastify.hasRoute({ method: 'GET', url: path })) continue
    fastify.all(path.slice(prefix.length), {
      // For @fastify/swagger: these are no part of the app's API.
      schema: { hide: true } as FastifySchema,
      logSerializers: { req: withoutQuery },
      // Only for what the router takes for this path and core does not, such as other case.
      handler: (_request, reply) => reply.callNotFound(),
    })
  }
}

/** The request as Fastify logs it, but for the query: that of a callback has the authorization code in it. */
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

function findingOf(request: GuardedRequest): Finding | null {
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
  reply.code(answer.status)
  reply.headers(answer.headers)
  // Bytes, since Fastify adds a charset to the type of JSON text; and without a body, no type is made up for it.
  reply.send(answer.body === '' ? undefined : Buffer.from(answer.body))
}
