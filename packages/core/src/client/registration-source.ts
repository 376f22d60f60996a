import type { Registration } from './registration.ts'

/**
 * Finds the registration for a FHIR server, e.g. in a database of tenants. It is called with the `iss` of an EHR launch before
 * any request is sent to that server, and must return `undefined` for an unknown server.
 */
export type RegistrationResolver = (fhirBaseUrl: string) => Promise<Registration | undefined>

/** The options of a flow with one server: the members of its registration. */
export interface OneRegistration extends Omit<Registration, 'fhirBaseUrl' | 'scope' | 'redirectUri'> {
  /** The FHIR base URL, exactly as registered. It is sent as `aud` without any change, including a trailing slash. */
  fhirBaseUrl: string | undefined
  /** The scopes to request, separated by spaces. */
  scope: string
  registrations?: undefined
}

/** The options of a flow with several servers. */
export interface ManyRegistrations extends NoRegistration {
  /** A list, or a function that finds one by FHIR base URL. */
  registrations: readonly Registration[] | RegistrationResolver
  /** The default for registrations without a `scope`. */
  scope?: string | undefined
}

/** Members that must be inside each entry of `registrations`, not beside them. */
type NoRegistration = { [Name in Exclude<keyof Registration, 'scope' | 'redirectUri'>]?: undefined }

/** Either form. */
export type RegistrationSource = { [Name in keyof Registration]?: Registration[Name] | undefined } & {
  registrations?: readonly Registration[] | RegistrationResolver | undefined
}
