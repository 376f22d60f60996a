/** An app that the sandbox knows. With neither a secret nor keys it is a public client. */
export interface SandboxClient {
  clientId: string
  /** Symmetric authentication; accepted as `client_secret_basic` (raw or form-encoded) and `client_secret_post`. */
  clientSecret?: string | undefined
  /** Asymmetric authentication: fetched from the app when it asks for a token, cached as its `Cache-Control` says. http only on loopback. */
  jwksUrl?: string | undefined
  /** Asymmetric authentication with a fixed key set. */
  jwks?: { keys: object[] } | undefined
  /** Needed for the authorization code grant; compared literally. */
  redirectUris?: string[] | undefined
  /** What may be granted, separated by spaces. A wider request is narrowed to it. Default: everything asked for. */
  scope?: string | undefined
}

export type SandboxMode = 'smart' | 'intelichart'

export interface SandboxOptions {
  /**
   * `smart` (default): SMART App Launch 2.2, one port, FHIR base `{origin}/fhir`, issuer `{origin}`.
   * `intelichart`: two ports, FHIR base and issuer are their roots, and every token request is checked strictly.
   */
  mode?: SandboxMode | undefined
  clients?: SandboxClient[] | undefined
  /** Default `127.0.0.1`. */
  host?: string | undefined
  /** Default 0: any free port. */
  fhirPort?: number | undefined
  /** Default 0: any free port. Used in mode `intelichart` only. */
  authPort?: number | undefined
  /** Default 300. */
  accessTokenSeconds?: number | undefined
  /** Default 3600. */
  refreshTokenSeconds?: number | undefined
  /** Default 60. */
  authorizationCodeSeconds?: number | undefined
  /** Default true. A refresh token used twice revokes everything granted with it. */
  rotateRefreshTokens?: boolean | undefined
  /** `ask` (default) shows pages to sign in and to consent. `auto` shows none: `autoPatient` signs in and grants everything. */
  consent?: 'ask' | 'auto' | undefined
  /** Id of the patient of `consent: 'auto'`. Default: the first one. */
  autoPatient?: string | undefined
  /** Default true. With false the FHIR host answers 404 for `/.well-known/smart-configuration`. */
  smartConfiguration?: boolean | undefined
  /**
   * Whether `{issuer}/inspector` shows each step as it happens. Only this machine can open it, and it shows no secrets. Default
   * false; the command line has it.
   */
  inspector?: boolean | undefined
}

/** What an EHR knows when it opens an app. */
export interface EhrLaunch {
  /** The app's launch URL. */
  launchUrl: string
  /** Id of the patient. */
  patient: string
  /** Id of the encounter. */
  encounter?: string | undefined
  intent?: string | undefined
  needPatientBanner?: boolean | undefined
  smartStyleUrl?: string | undefined
  tenant?: string | undefined
  fhirContext?: object[] | undefined
  /** Who is signed in at the EHR, as a relative reference. Default: the first practitioner. */
  user?: string | undefined
}
