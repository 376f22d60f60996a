import { FhirAuthError } from '../errors.ts'
import type { FhirContext } from '../fhir/fhir-context.ts'
import { ScopeSet } from '../fhir/scope-set.ts'
import { flag, type OptionRules, readOptions, refuseOption, textOrList } from '../options.ts'
import type { AdapterRequest, Answer, MissingContext } from './adapter-contract.ts'
import { isNavigation, problemAnswer, redirectAnswer } from './answers.ts'
import { addressWithLaunch } from './launch-id.ts'

/** What a route needs of the token. */
export interface FhirRequirement {
  /** Space-separated, or a list: every one must be covered by what was granted. */
  scope?: string | readonly string[] | undefined
  /** A patient in context. */
  patient?: boolean | undefined
  /** An encounter in context. */
  encounter?: boolean | undefined
}

const REQUIREMENT = {
  scope: textOrList,
  patient: flag(false),
  encounter: flag(false),
} satisfies OptionRules<FhirRequirement>

/** Decides whether a request may pass. */
export type FhirGuard = (
  context: FhirContext | undefined | null,
  missing: MissingContext | undefined,
  request: AdapterRequest,
) => Answer | undefined

/**
 * A guard for routes: undefined lets the request pass. Otherwise the answer: login for a person without one, 401 for a
 * program, 403 for a scope or context that is not there, 503 when the token cannot be had now; and the same page with its
 * launch in the address, where only the page before it said which launch it is.
 *
 * @throws `invalid_option` when called with an unknown option or an empty scope
 */
export function createFhirGuard(requirement: FhirRequirement = {}): FhirGuard {
  const { scope, patient, encounter } = readOptions(requirement, REQUIREMENT, 'requireFhir()')
  const required = scope === undefined ? undefined : ScopeSet.parse(scope)
  if (required?.size === 0) refuseOption('requireFhir({ scope }) is empty. Leave it out, or name a scope.')
  const invalid = required?.scopes.find(({ kind }) => kind === 'unknown')
  if (invalid) {
    refuseOption(`requireFhir({ scope }): "${invalid.text}" is no SMART scope. Write e.g. 'patient/Observation.rs'.`)
  }

  return function guardFhir(context, missing, request) {
    if (!context) return answerMissing(missing, request)
    if (required && !context.scope.covers(required)) {
      const lacking = context.scope.missing(required).join(' ')
      return problemAnswer(
        new FhirAuthError('insufficient_scope', `This needs the scope ${lacking}, which was not granted.`),
        request,
      )
    }
    const lacks = patient && !context.patient ? 'patient' : encounter && !context.encounter ? 'encounter' : undefined
    if (lacks) {
      return problemAnswer(
        new FhirAuthError('missing_context', `This needs a ${lacks} in context, and the login brought none.`),
        request,
      )
    }
    if (context.launchId === undefined || !isNavigation(request)) return undefined
    const address = addressWithLaunch(request)
    return address === undefined ? undefined : redirectAnswer(address)
  }
}

function answerMissing(missing: MissingContext | undefined, request: AdapterRequest): Answer {
  if (!missing) {
    return problemAnswer(
      new FhirAuthError(
        'login_required',
        'No smartLaunch() or backendServices() ran for this request. Mount one before requireFhir().',
        { status: 500 },
      ),
      request,
    )
  }
  const { failure, handler } = missing
  const loginUrl = handler.loginUrl?.(request)
  if (failure instanceof FhirAuthError) {
    return problemAnswer(failure, request, { retryUrl: failure.status === 401 ? loginUrl : undefined })
  }
  if (failure !== undefined) throw failure
  if (loginUrl !== undefined && isNavigation(request)) return redirectAnswer(loginUrl)
  const remedy = loginUrl ? 'Log in first.' : 'Open the app from the EHR.'
  return problemAnswer(new FhirAuthError('login_required', `Nobody is logged in. ${remedy}`), request, {
    retryUrl: loginUrl,
  })
}
