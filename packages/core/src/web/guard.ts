import { FhirAuthError } from '../errors.ts'
import type { FhirContext } from '../fhir/fhir-context.ts'
import { ScopeSet } from '../fhir/scope-set.ts'
import { flag, type OptionRules, oneOf, readOptions, refuseOption, textOrList } from '../options.ts'
import { type AdapterRequest, type Answer, type Finding, MissingContext } from './adapter-contract.ts'
import { canLogInHelp, isNavigation, problemAnswer, redirectAnswer } from './answers.ts'
import { framedFor } from './frame-ancestors.ts'
import { addressWithLaunch } from './launch-id.ts'
import { type ProblemSettings, problemSettingsOf } from './problem-settings.ts'
import { withParameter } from './with-parameter.ts'

/** What a route needs. */
export interface FhirRequirement {
  /** Separated by spaces, or a list. The granted scopes must cover all of them. */
  scope?: string | readonly string[] | undefined
  /** Whether a patient must be in context. Default false. */
  patient?: boolean | undefined
  /** Whether an encounter must be in context. Default false. */
  encounter?: boolean | undefined
  /**
   * `unchecked`: also lets requests with the app's own token pass, the one of `backendServices()`. That token says nothing
   * about who is asking, so the app must have authorised the visitor before. Default: only people who have logged in pass.
   */
  visitor?: 'unchecked' | undefined
}

const REQUIREMENT = {
  scope: textOrList,
  patient: flag(false),
  encounter: flag(false),
  visitor: oneOf('unchecked'),
} satisfies OptionRules<FhirRequirement>

/** Decides whether a request may pass: undefined lets it pass, an answer refuses it. */
export type FhirGuard = (finding: Finding | null | undefined, request: AdapterRequest) => Answer | undefined

/**
 * The `Cache-Control` of a guarded handler's response, unless the handler sets one. The response has data of one person, so
 * no cache may store it (RFC 9111 §5.2.2).
 */
export const GUARDED_CACHE_CONTROL = 'private, no-store'

/**
 * Makes a guard for routes. Without a login, a person is redirected to the login and a program gets 401. A missing scope or
 * context gets 403. If there is no token at the moment, the answer is 503. If only the referrer says which launch a page
 * belongs to, the guard redirects to the same page with the launch in its address.
 *
 * @throws `invalid_option` for an unknown option, an empty or malformed scope, or a system scope without `visitor`
 */
export function createFhirGuard(requirement: FhirRequirement = {}): FhirGuard {
  const { scope, patient, encounter, visitor } = readOptions(requirement, REQUIREMENT, 'requireFhir()')
  const required = scope === undefined ? undefined : ScopeSet.parse(scope)
  if (required) checkScope(required, visitor)

  return function guardFhir(finding, request) {
    const refusal = decide(finding, request)
    return refusal && framedAs(finding, refusal)
  }

  function decide(finding: Finding | null | undefined, request: AdapterRequest): Answer | undefined {
    if (finding === null || finding === undefined) return problemAnswer(notMounted(), request)
    if (finding instanceof MissingContext) return answerMissing(finding, request)
    const { launchId } = finding
    const problem =
      launchId === undefined && visitor === undefined
        ? systemToken()
        : shortfall(finding, { required, patient, encounter })
    if (problem) {
      return problemOf(finding, problem, request)
    }
    if (launchId === undefined || !isNavigation(request)) return undefined
    const address = addressWithLaunch(request)
    return address === undefined ? undefined : redirectAnswer(address)
  }
}

/**
 * The answer to what a handler has thrown, such as a session that has ended. It is the same as a guard's answer.
 *
 * @returns undefined for any other error, and for a mistake of the app (status 500), such as a URL of another server. The
 *   framework logs these, and does not show them.
 */
export function failureAnswer(
  error: unknown,
  finding: Finding | null | undefined,
  request: AdapterRequest,
): Answer | undefined {
  if (!(error instanceof FhirAuthError) || error.status === 500) return undefined
  if (finding instanceof MissingContext || !finding) {
    return framedAs(finding, problemAnswer(error, request, { settings: problemSettingsOf(finding?.handler) }))
  }
  return framedAs(finding, problemOf(finding, error, request))
}

/**
 * The context of a request behind a guard.
 *
 * @throws `login_required` if there is none, because no guard ran
 */
export function contextBehindGuard(context: FhirContext | null | undefined): FhirContext {
  if (context) return context
  throw new FhirAuthError('login_required', 'This request has no context. Put requireFhir() before the handler.', {
    status: 500,
  })
}

function checkScope(required: ScopeSet, visitor: FhirRequirement['visitor']): void {
  if (required.size === 0) refuseOption('requireFhir({ scope }) is empty. Leave it out, or name a scope.')
  for (const scope of required.scopes) {
    if (scope.kind === 'unknown') {
      refuseOption(`requireFhir({ scope }): "${scope.text}" is not a SMART scope. Write e.g. 'patient/Observation.rs'.`)
    }
    if (scope.kind === 'resource' && scope.level === 'system' && visitor === undefined) {
      refuseOption(
        `requireFhir({ scope }): "${scope.text}" is a scope of the app's own token, which does not authorise a visitor. ` +
          "Check who is asking before this guard, and add visitor: 'unchecked' to it.",
      )
    }
  }
}

/** The error for a context that does not meet the requirement. */
function shortfall(
  context: FhirContext,
  { required, patient, encounter }: { required: ScopeSet | undefined; patient: boolean; encounter: boolean },
): FhirAuthError | undefined {
  if (required && !context.scope.covers(required)) {
    const lacking = context.scope.missing(required).join(' ')
    return new FhirAuthError('insufficient_scope', `This needs the scope ${lacking}, which was not granted.`)
  }
  const lacks = patient && !context.patient ? 'patient' : encounter && !context.encounter ? 'encounter' : undefined
  return lacks && new FhirAuthError('missing_context', `This needs a ${lacks} in context, and the login has none.`)
}

function framedAs(finding: Finding | null | undefined, answer: Answer): Answer {
  if (finding === null || finding === undefined) return answer
  return framedFor(finding instanceof MissingContext ? finding.handler : finding, answer)
}

/** The answer where there is a context. If another login helps, the page has a link to one that returns to this request. */
function problemOf(context: FhirContext, problem: FhirAuthError, request: AdapterRequest): Answer {
  const { fhirBaseUrl, launchId } = context
  const settings = problemSettingsOf(context)
  const retryUrl = canLogInHelp(problem) ? loginBackTo(request, settings) : undefined
  return problemAnswer(problem, request, { settings, place: { fhirBaseUrl, launchId }, retryUrl })
}

function loginBackTo(request: AdapterRequest, { loginUrl, pathPrefix }: ProblemSettings): string | undefined {
  if (loginUrl === undefined || !isNavigation(request)) return loginUrl
  return withParameter(loginUrl, 'returnTo', pathPrefix + request.url)
}

function notMounted(): FhirAuthError {
  const message = 'No smartLaunch() or backendServices() ran for this request. Mount one before requireFhir().'
  return new FhirAuthError('login_required', message, { status: 500 })
}

function systemToken(): FhirAuthError {
  const message =
    "This request has the app's own token, which does not authorise a visitor. Mount smartLaunch() before requireFhir(), " +
    "or check who is asking yourself and write requireFhir({ visitor: 'unchecked' })."
  return new FhirAuthError('login_required', message, { status: 500 })
}

function answerMissing({ failure, handler }: MissingContext, request: AdapterRequest): Answer {
  const loginUrl = handler.loginUrl?.(request)
  const settings = problemSettingsOf(handler)
  if (failure instanceof FhirAuthError) {
    return problemAnswer(failure, request, { settings, retryUrl: failure.status === 401 ? loginUrl : undefined })
  }
  if (failure !== undefined) throw failure
  if (loginUrl !== undefined && isNavigation(request)) return redirectAnswer(loginUrl)
  const remedy = loginUrl ? 'Log in first.' : 'Open the app from the EHR.'
  return problemAnswer(new FhirAuthError('login_required', `Nobody is logged in. ${remedy}`), request, {
    settings,
    retryUrl: loginUrl,
  })
}
