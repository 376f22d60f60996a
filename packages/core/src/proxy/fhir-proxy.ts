import { FhirAuthError } from '../errors.ts'
import { createEmit, durationSince, type Emit } from '../events.ts'
import { FhirContext } from '../fhir/fhir-context.ts'
import {
  type Answer,
  type Finding,
  MissingContext,
  pathOf,
  type StreamedAnswer,
  type StreamedHandler,
  type StreamedRequest,
} from '../web/adapter-contract.ts'
import { problemAnswer } from '../web/answers.ts'
import { createFhirGuard } from '../web/guard.ts'
import { withoutLaunchId } from '../web/launch-id.ts'
import { problemSettingsOf } from '../web/problem-settings.ts'
import { withParameter } from '../web/with-parameter.ts'
import { checkSite, corsHeaders, preflightHeaders } from './cross-site.ts'
import { type FhirInteraction, readInteraction } from './interaction.ts'
import { checkFhirProxyOptions, type FhirProxyOptions, type FhirProxySettings } from './options.ts'
import { createOutgoing, refused } from './outgoing-request.ts'
import { parametersOf, queryTextOf } from './query.ts'
import { sessionInfo } from './session-info.ts'
import { forward } from './upstream.ts'

/** No status of RFC 9110, and never read: as servers write it in their logs. */
const PAGE_HAS_GONE = 499
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

/**
 * Lets pages read and write FHIR with the session's token, which they never see (IETF "OAuth 2.0 for Browser-Based Applications"
 * §6.1, a backend for the frontend). Make one with {@link createFhirProxy}.
 */
export class FhirProxy implements StreamedHandler {
  readonly #settings: FhirProxySettings
  readonly #guard = createFhirGuard()
  readonly #emit: Emit

  constructor(options: FhirProxyOptions) {
    this.#settings = checkFhirProxyOptions(options)
    this.#emit = createEmit(this.#settings.onEvent)
  }

  /** All paths that it answers: the folder of the proxy, and the session. */
  get paths(): { readonly folder: string; readonly session: string | undefined } {
    return { folder: this.#settings.path, session: this.#settings.session }
  }

  handles(url: string): boolean {
    const { path, session } = this.#settings
    if (url.startsWith(path)) {
      const next = url[path.length]
      if (next === undefined || next === '/' || next === '?') return true
    }
    return session !== undefined && pathOf(url) === session
  }

  /** Answers a request whose path it handles. Problems are answers too. */
  async answer(request: StreamedRequest, finding: Finding | null | undefined): Promise<StreamedAnswer> {
    const { origins, session } = this.#settings
    const answer = await this.#answer(request, finding, pathOf(request.url) === session)
    return origins.length === 0
      ? answer
      : { ...answer, headers: { ...answer.headers, ...corsHeaders(request, origins) } }
  }

  async #answer(
    request: StreamedRequest,
    finding: Finding | null | undefined,
    isSession: boolean,
  ): Promise<StreamedAnswer> {
    try {
      if (request.method === 'OPTIONS') return this.#answerPreflight(request)
      checkSite(request, this.#settings.origins)
      if (isSession) return this.#answerSession(request, finding)
      const refusal = this.#guard(finding, request)
      if (refusal) return this.#withLoginUrl(refusal, request, finding)
      return await this.#exchange(request, finding as FhirContext) // the guard lets nothing else pass
    } catch (error) {
      if (!(error instanceof FhirAuthError)) throw error
      return this.#problem(error, request, finding)
    }
  }

  #answerPreflight(request: StreamedRequest): StreamedAnswer {
    const headers = preflightHeaders(request, this.#settings.origins)
    if (headers === undefined) {
      throw new FhirAuthError(
        'cross_origin_request',
        'Pages of this origin may not ask. Add it to origins of fhirProxy().',
      )
    }
    return { kind: 'empty', status: 204, headers, cookies: [], body: '' }
  }

  #answerSession(request: StreamedRequest, finding: Finding | null | undefined): StreamedAnswer {
    if (request.method !== 'GET' && request.method !== 'HEAD') throw wrongMethod(request, 'GET and HEAD')
    const loginUrl = loginUrlFor(request, finding)
    const { publicPath } = this.#settings
    if (finding instanceof FhirContext && finding.launchId !== undefined) {
      return jsonAnswer(sessionInfo(finding, publicPath, loginUrl))
    }
    // Nobody is logged in, or why it is not known who.
    const { failure } = finding instanceof MissingContext ? finding : { failure: undefined }
    if (failure instanceof FhirAuthError && failure.status !== 401) throw failure
    return jsonAnswer({ loggedIn: false, loginUrl, proxyUrl: publicPath })
  }

  async #exchange(request: StreamedRequest, context: FhirContext): Promise<StreamedAnswer> {
    const { publicPath, timeoutSeconds, auditIds } = this.#settings
    const startedAt = performance.now()
    const { fhirBaseUrl, launchId } = context
    const path = this.#pathBelow(request.url)
    const query = parametersOf(queryTextOf(request.url))
    let interaction: FhirInteraction | undefined
    const tell = (status: number, error?: FhirAuthError) => {
      this.#emit({
        type: 'proxied',
        fhirBaseUrl,
        launchId: launchId ?? '',
        method: request.method,
        interaction: interaction?.interaction,
        resourceType: interaction?.type,
        path: auditIds ? path : undefined,
        status,
        error,
        durationMs: durationSince(startedAt),
      })
    }
    try {
      interaction = interactionOf(request, path, query)
      const outgoing = await createOutgoing({ request, context, interaction, path, query }, this.#settings)
      const answer = await forward({ request, context, interaction, outgoing, publicPath, timeoutSeconds })
      tell(answer.status)
      return answer
    } catch (error) {
      if (request.hasLeft) {
        // The page has gone, and nobody will read this. It is no fault, so the operator is not told.
        tell(PAGE_HAS_GONE)
        return { kind: 'empty', status: PAGE_HAS_GONE, headers: {}, cookies: [], body: '' }
      }
      if (error instanceof FhirAuthError) tell(error.status, error)
      throw error
    }
  }

  /** The path below the proxy, as it was sent: nothing is decoded. */
  #pathBelow(url: string): string {
    return pathOf(url).slice(this.#settings.path.length).replace(/^\//, '')
  }

  #problem(error: FhirAuthError, request: StreamedRequest, finding: Finding | null | undefined): StreamedAnswer {
    const settings = problemSettingsOf(finding instanceof MissingContext ? finding.handler : finding)
    const place = finding instanceof FhirContext ? { fhirBaseUrl: finding.fhirBaseUrl, launchId: finding.launchId } : {}
    return this.#withLoginUrl(problemAnswer(error, request, { settings, place }), request, finding)
  }

  /** A page's script learns from the problem where to log in. */
  #withLoginUrl(answer: Answer, request: StreamedRequest, finding: Finding | null | undefined): StreamedAnswer {
    if (answer.kind !== 'problem' || answer.status !== 401 || !answer.headers['content-type']?.endsWith('json'))
      return answer
    const loginUrl = loginUrlFor(request, finding)
    return loginUrl === undefined
      ? answer
      : { ...answer, body: JSON.stringify({ ...answer.error.toProblem(), loginUrl }) }
  }
}

/**
 * Makes a FHIR proxy, and checks the options.
 *
 * @throws `invalid_option` naming the option and what to write instead
 */
export function createFhirProxy(options: FhirProxyOptions): FhirProxy {
  return new FhirProxy(options)
}

/** The login that leads back to the page whose script has asked, without the id of a launch that has ended. */
function loginUrlFor(request: StreamedRequest, finding: Finding | null | undefined): string | undefined {
  const { loginUrl } = problemSettingsOf(finding instanceof MissingContext ? finding.handler : finding)
  const referer = request.header('referer')
  if (
    loginUrl === undefined ||
    request.header('sec-fetch-site') !== 'same-origin' ||
    !referer ||
    !URL.canParse(referer)
  ) {
    return loginUrl
  }
  const { pathname, search } = new URL(referer)
  const page = pathname + search
  return withParameter(loginUrl, 'returnTo', finding instanceof FhirContext ? page : withoutLaunchId(page))
}

function jsonAnswer(value: object): StreamedAnswer {
  const headers = {
    'cache-control': 'private, no-store',
    'content-type': 'application/json',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  }
  return { kind: 'page', status: 200, headers, cookies: [], body: JSON.stringify(value) }
}

function interactionOf(request: StreamedRequest, path: string, query: URLSearchParams): FhirInteraction {
  if (!METHODS.includes(request.method)) throw wrongMethod(request, METHODS.join(', '))
  const found = readInteraction(request.method, path, query)
  if (found) return found
  throw refused('This is no FHIR request that the proxy sends: read, search or change one resource by its type and id.')
}

function wrongMethod({ method, url }: StreamedRequest, allowed: string): FhirAuthError {
  return new FhirAuthError('method_not_allowed', `${pathOf(url)} takes ${allowed}, not ${method}.`)
}
