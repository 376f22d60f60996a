import type { Registration } from './registration.ts'

/**
 * Finds the registration of a FHIR server, e.g. in a database of tenants. It is called with the `iss` of an EHR launch
 * before any request goes to that server, and must answer `undefined` for a server it does not know.
 */
export type RegistrationResolver = (fhirBaseUrl: string) => Promise<Registration | undefined>

/** The options of a flow with one server: its registration, in place. */
export interface OneRegistration extends Omit<Registration, 'fhirBaseUrl' | 'scope' | 'redirectUri'> {
  /** The FHIR base URL, exactly as registered: it is sent to the letter as `aud`, trailing slash included. */
  fhirBaseUrl: string | undefined
  /** Space-separated scopes to ask for. */
  scope: string
  registrations?: undefined
}

/** The options of a flow with several servers. */
export interface ManyRegistrations extends NoRegistration {
  /** A list, or a function that finds one by FHIR base URL. */
  registrations: readonly Registration[] | RegistrationResolver
  /** Of the registrations that do not say. */
  scope?: string | undefined
}

/** What belongs inside each of several registrations, and not beside them. */
type NoRegistration = { [Name in Exclude<keyof Registration, 'scope' | 'redirectUri'>]?: undefined }

/** Either form, as it is read. */
export type RegistrationSource = { [Name in keyof Registration]?: Registration[Name] | undefined } & {
  registrations?: readonly Registration[] | RegistrationResolver | undefined
}
