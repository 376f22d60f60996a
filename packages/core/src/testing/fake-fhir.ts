import { FhirAuthError, type FhirAuthErrorCode } from '../errors.ts'
import { FhirContext } from '../fhir/fhir-context.ts'
import type { FhirUser, IdTokenClaims, LaunchContext } from '../fhir/fhir-grant.ts'
import { isFhirId } from '../fhir/fhir-id.ts'
import { ScopeSet } from '../fhir/scope-set.ts'
import { checkKnownOptions, refuseOption } from '../options.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'

/** A resource (200, `application/fhir+json`), a whole `Response`, or what makes one of them from the request. */
export type FakeAnswer = object | Response | ((request: Request) => MaybePromise<object | Response>)

export interface FakeFhirOptions {
  /** Id of the Patient in context. Default: none. */
  patient?: string | undefined
  /** Id of the Encounter in context. Default: none. */
  encounter?: string | undefined
  /** What was granted, separated by spaces. Default: nothing. */
  scope?: string | undefined
  /** `Practitioner/7`. Default: nobody. */
  fhirUser?: string | undefined
  /** Verified claims of the id_token. Default: none. */
  idToken?: IdTokenClaims | undefined
  /** What else came with the token, e.g. `{ intent: 'order' }`. */
  launch?: LaunchContext | undefined
  /** `null`: a backend service, which has none. Default `fake-launch`. */
  launchId?: string | null | undefined
  /** Default `https://fhir.example/r4`. */
  fhirBaseUrl?: string | undefined
  /**
   * What the FHIR server answers, by request: `Patient/1`, `Observation?patient=1`, `POST Observation`. The order of search
   * parameters does not matter. A request that is not listed fails with `invalid_option` and names what is listed.
   */
  responses?: Readonly<Record<string, FakeAnswer>> | undefined
  /** Every request fails with this code, e.g. `session_ended` or `token_unavailable`: what an app shows then. */
  failsWith?: FhirAuthErrorCode | undefined
}

/** Typed against the options, so that none is forgotten. */
const KNOWN = Object.keys({
  patient: true,
  encounter: true,
  scope: true,
  fhirUser: true,
  idToken: true,
  launch: true,
  launchId: true,
  fhirBaseUrl: true,
  responses: true,
  failsWith: true,
} satisfies Record<keyof FakeFhirOptions, true>)

const HOUR = 3_600_000

/**
 * A context for tests of handlers, without a server: the class that handlers get, with real scopes and real errors, over
 * answers of your own. Put it where the adapter puts its own (`req.fhir`, `c.set('fhir', …)`), and guards take it.
 *
 * @throws `invalid_option` for an unknown option, or an id that no server may send
 */
export function fakeFhir(options: FakeFhirOptions = {}): FhirContext {
  checkKnownOptions(options, KNOWN, 'fakeFhir()')
  const { patient, encounter, launchId = 'fake-launch', failsWith, idToken, launch = {} } = options
  const { fhirBaseUrl = 'https://fhir.example/r4', scope = '', fhirUser, responses = {} } = options
  for (const [name, id] of Object.entries({ patient, encounter })) {
    if (id !== undefined && !isFhirId(id)) refuseOption(`fakeFhir({ ${name} }) is no FHIR id: ${JSON.stringify(id)}.`)
  }
  const current = () => {
    if (failsWith !== undefined) throw new FhirAuthError(failsWith, `fakeFhir() fails with ${failsWith}.`)
    return 'fake-access-token'
  }
  const grant = {
    ...{ fhirBaseUrl, patient, encounter, idToken, accessToken: 'fake-access-token', scope: ScopeSet.parse(scope) },
    expiresAt: Date.now() + HOUR,
    fhirUser: fhirUser === undefined ? undefined : userOf(fhirUser, fhirBaseUrl),
    launch: Object.freeze({ ...launch }),
    launchId: launchId ?? undefined,
  }
  const answers = new Map(Object.entries(responses).map(([key, answer]) => [requestKey(key, fhirBaseUrl), answer]))
  const send: typeof fetch = async (input, init) => {
    const request = new Request(input, init)
    const key = requestKey(`${request.method} ${request.url}`, fhirBaseUrl)
    const answer = answers.get(key)
    if (answer === undefined) refuseUnlisted(key, [...answers.keys()])
    const made = typeof answer === 'function' ? await answer(request) : answer
    if (made instanceof Response) return made.clone()
    return new Response(JSON.stringify(made), { headers: { 'content-type': 'application/fhir+json' } })
  }
  return new FhirContext(grant, { tokens: { current, replace: async () => undefined }, send })
}

/** `GET Observation?a=1&b=2`, however it was written. */
function requestKey(written: string, fhirBaseUrl: string): string {
  const [, method = 'GET', url = ''] = /^(?:([A-Z]+) )?(.*)$/s.exec(written) ?? []
  const base = fhirBaseUrl.endsWith('/') ? fhirBaseUrl : `${fhirBaseUrl}/`
  const target = new URL(url, base)
  target.searchParams.sort()
  return `${method} ${target.href.startsWith(base) ? target.href.slice(base.length) : target.href}`
}

function refuseUnlisted(key: string, known: readonly string[]): never {
  const list = known.length > 0 ? known.map((each) => JSON.stringify(each)).join(', ') : 'nothing'
  refuseOption(`fakeFhir() has no response for ${JSON.stringify(key)}. Add it to responses, which has ${list}.`)
}

function userOf(reference: string, fhirBaseUrl: string): FhirUser {
  const [type = '', id = '', ...more] = reference.split('/')
  if (more.length > 0 || !isFhirId(id)) {
    refuseOption(`fakeFhir({ fhirUser }) is ${JSON.stringify(reference)}. Write a reference, such as "Practitioner/7".`)
  }
  return Object.freeze({ type, id, url: `${fhirBaseUrl}/${reference}` })
}
