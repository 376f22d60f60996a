import type { FhirContext } from '../fhir/fhir-context.ts'
import { sessionFactsOf } from '../session/session-facts.ts'
import { problemSettingsOf } from '../web/problem-settings.ts'

/** What a page may know of the session. It has no token. Members that are not known are absent. */
export interface SessionInfo {
  readonly loggedIn: boolean
  /** Names the launch: pages send it as `fhir-launch-id`. It is no credential. */
  readonly launchId?: string | undefined
  readonly patient?: string | undefined
  readonly encounter?: string | undefined
  readonly user?:
    | { readonly type?: string; readonly id?: string; readonly url?: string; readonly name?: string }
    | undefined
  readonly scope?: string | undefined
  readonly needPatientBanner?: boolean | undefined
  /** When the person must log in again at the latest: ISO 8601. */
  readonly endsAt?: string | undefined
  readonly loginUrl?: string | undefined
  /** For a form with POST. */
  readonly logoutUrl?: string | undefined
  readonly proxyUrl: string
}

/** Longer names are not shown. */
const MAX_NAME_LENGTH = 200

/** @param loginUrl - where the person logs in, and comes back to this page */
export function sessionInfo(context: FhirContext, proxyUrl: string, loginUrl: string | undefined): SessionInfo {
  const { launchId, patient, encounter, fhirUser, idToken, scope, launch } = context
  const { endsAt } = sessionFactsOf(context) ?? {}
  const name = nameIn(idToken)
  return {
    loggedIn: true,
    launchId,
    patient,
    encounter,
    user: fhirUser || name ? { ...fhirUser, ...(name !== undefined && { name }) } : undefined,
    scope: [...scope].join(' '),
    needPatientBanner: launch.need_patient_banner,
    endsAt: endsAt === undefined ? undefined : new Date(endsAt).toISOString(),
    loginUrl,
    logoutUrl: problemSettingsOf(context).logoutUrl,
    proxyUrl,
  }
}

/** OpenID Connect Core §5.1: the full name, or what it is made of. */
function nameIn(claims: Readonly<Record<string, unknown>> = {}): string | undefined {
  const { name, given_name, family_name, preferred_username } = claims
  const full = [given_name, family_name].filter((part) => typeof part === 'string' && part !== '').join(' ')
  const known = [name, full, preferred_username].find((each) => typeof each === 'string' && each.trim() !== '')
  return typeof known === 'string' && known.length <= MAX_NAME_LENGTH ? known : undefined
}
