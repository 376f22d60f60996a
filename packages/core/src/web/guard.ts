import { FhirAuthError } from '../errors.ts'
import type { FhirContext } from '../fhir/fhir-context.ts'
import { ScopeSet } from '../fhir/scope-set.ts'
import { flag, type OptionRules, oneOf, readOptions, refuseOption, textOrList } from '../options.ts'
import { type AdapterRequest, type Answer, type Finding, MissingContext } from './adapter-contract.ts'
import { isNavigation, problemAnswer, redirectAnswer } from './answers.ts'
import { framedFor } from './frame-ancestors.ts'
import { addressWithLaunch } from './launch-id.ts'
import type { ProblemPlace } from './problem-log.ts'
import { problemSettingsOf } from './problem-settings.ts'

/** What a route needs of the token. */
export interface FhirRequirement {
  /** Space-separated, or a list: every one must be covered by what was granted. */
  scope?: string | readonly string[] | undefined
  /** A patient in context. */
  patient?: boolean | undefined
  /** An encounter in context. */
  encounter?: boolean | undefined
  /**
   * `unchecked`: the app's own token passes too, the one of `backendServices()`. It says nothing about who is asking, so
   * the app must have authorised the visitor before. Default: only people who have logged in pass.
   */
  visitor?: 'unchecked' | undefined
}

const REQUIREMENT = {
  scope: textOrList,
  patient: flag(false),
  encounter: flag(false),
  visitor: oneOf('unchecked'),
} satisfies OptionRules<FhirRequirement>

/** Decides whether a request may pass: undefined lets it, an answer refuses it. */
export type FhirGuard = (finding: Finding | null | undefined, request: AdapterRequest) => Answer | undefined

/**
 * `Cache-Control` of what a guarded handler answers, where it does not say otherwise: it is data of one person, and no
 * cache on the way may keep it (RFC 9111 §5.2.2).
 */
export const GUARDED_CACHE_CONTROL = 'private, no-store'

/**
 * A guard for routes: undefined lets the request pass. Otherwise the answer: login for a person without one, 401 for a
 * program, 403 for a scope or context that is not there, 503 when there is no token at the moment; and the same page with
 * its launch in the address, where only the page before it said which launch it is.
 *
 * @throws `invalid_option` when called with an unknown option, an empty scope, or a system scope for people
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
      const settings = problemSettingsOf(finding)
      return problemAnswer(problem, request, { settings, place: placeOf(finding) })
    }
    if (launchId === undefined || !isNavigation(request)) return undefined
    const address = addressWithLaunch(request)
    return address === undefined ? undefined : redirectAnswer(address)
  }
}

/** The answer to a failure half-way, such as a session that has ended: like that of a guard. */
export function failureAnswer(
  error: FhirAuthError,
  finding: Finding | null | undefined,
  request: AdapterRequest,
): Answer {
  const settings = problemSettingsOf(finding instanceof MissingContext ? finding.handler : finding)
  const place = finding instanceof MissingContext || !finding ? undefined : placeOf(finding)
  return framedAs(finding, problemAnswer(error, request, { settings, place }))
}

/**
 * The context of a request behind a guard.
 *
 * @throws `login_required` where there is none, since no guard ran
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
      refuseOption(`requireFhir({ scope }): "${scope.text}" is no SMART scope. Write e.g. 'patient/Observation.rs'.`)
    }
    if (scope.kind === 'resource' && scope.level === 'system' && visitor === undefined) {
      refuseOption(
        `requireFhir({ scope }): "${scope.text}" is a scope of the app's own token, which does not authorise a visitor. ` +
          "Check who is asking before this guard, and add visitor: 'unchecked' to it.",
      )
    }
  }
}

/** What a context lacks. */
function shortfall(
  context: FhirContext,
  { required, patient, encounter }: { required: ScopeSet | undefined; patient: boolean; encounter: boolean },
): FhirAuthError | undefined {
  if (required && !context.scope.covers(required)) {
    const lacking = context.scope.missing(required).join(' ')
    return new FhirAuthError('insufficient_scope', `This needs the scope ${lacking}, which was not granted.`)
  }
  const lacks = patient && !context.patient ? 'patient' : encounter && !context.encounter ? 'encounter' : undefined
  return lacks && new FhirAuthError('missing_context', `This needs a ${lacks} in context, and the login brought none.`)
}

function framedAs(finding: Finding | null | undefined, answer: Answer): Answer {
  if (finding === null || finding === undefined) return answer
  return framedFor(finding instanceof MissingContext ? finding.handler : finding, answer)
}

function placeOf({ fhirBaseUrl, launchId }: FhirContext): ProblemPlace {
  return { fhirBaseUrl, launchId }
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
