import type { FhirUser, IdTokenClaims } from '../fhir/fhir-grant.ts'
import { isFhirId } from '../fhir/fhir-id.ts'

const FHIR_USER_TYPES = ['Patient', 'Practitioner', 'PractitionerRole', 'RelatedPerson', 'Person']

/** Below the FHIR base URL, not at the root of its host. */
const SLASH_BEFORE_TYPE = new RegExp(`^/(?=(?:${FHIR_USER_TYPES.join('|')})/)`)
/** What may stand behind the id: a version (R4 §3.1.0.1.4 "vread"), or a slash. */
const BEHIND_ID = /\/_history\/[A-Za-z0-9\-.]{1,64}\/?$|\/$/

/**
 * The person an id_token names: `fhirUser`, absolute or relative to the FHIR base URL; `profile` where an older server
 * sends that instead. A version and a slash behind the id are left out. Undefined when it is no resource of the types that
 * SMART allows, or its id is no FHIR id.
 */
export function fhirUserOf(claims: IdTokenClaims | undefined, fhirBaseUrl: string): FhirUser | undefined {
  const reference = claims?.fhirUser ?? claims?.profile
  if (typeof reference !== 'string') return undefined
  const relative = reference.replace(SLASH_BEFORE_TYPE, '')
  const directory = fhirBaseUrl.endsWith('/') ? fhirBaseUrl : `${fhirBaseUrl}/`
  if (!URL.canParse(relative, directory)) return undefined
  const url = new URL(relative, directory)
  url.pathname = url.pathname.replace(BEHIND_ID, '')
  const [type, id] = url.pathname.split('/').slice(-2)
  if (!type || !id || !FHIR_USER_TYPES.includes(type) || !/^https?:$/.test(url.protocol)) return undefined
  if (!isFhirId(id)) return undefined
  return Object.freeze({ type, id, url: url.href })
}
