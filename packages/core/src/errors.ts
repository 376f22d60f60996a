/** Every code with its HTTP status. docs/errors.md says what to do for each; a test compares the two. */
const STATUS_BY_CODE = {
  // Configuration: thrown when a factory is called.
  invalid_option: 500,
  invalid_key: 500,
  // Talking to a server.
  insecure_url: 500,
  network_error: 502,
  timeout: 504,
  unexpected_redirect: 502,
  response_too_large: 502,
  invalid_response: 502,
  discovery_failed: 502,
  missing_endpoint: 502,
  unsupported_by_server: 502,
  // A launch and its callback.
  unknown_issuer: 403,
  invalid_launch: 400,
  invalid_callback: 400,
  state_mismatch: 400,
  transaction_expired: 400,
  transaction_used: 400,
  login_loop: 500,
  issuer_mismatch: 400,
  redirect_uri_mismatch: 400,
  authorization_denied: 403,
  authorization_failed: 502,
  // The token endpoint and its response.
  token_request_refused: 502,
  invalid_token_response: 502,
  invalid_id_token: 502,
  // A request of the app's user.
  login_required: 401,
  session_ended: 401,
  context_changed: 401,
  insufficient_scope: 403,
  missing_context: 403,
  ambiguous_launch: 409,
  cross_origin_request: 403,
  method_not_allowed: 405,
  proxy_refused: 403,
  request_too_large: 413,
  session_store_failed: 503,
  token_unavailable: 503,
  // A request of the app to the FHIR server.
  url_outside_fhir_base: 500,
  fhir_request_failed: 502,
} as const

/** The closed set of codes that a {@link FhirAuthError} can carry. */
export type FhirAuthErrorCode = keyof typeof STATUS_BY_CODE

/** All codes, for exhaustive handling and documentation. */
export const errorCodes: readonly FhirAuthErrorCode[] = Object.freeze(
  Object.keys(STATUS_BY_CODE) as FhirAuthErrorCode[],
)

/** An OAuth error response, as the authorization server sent it (RFC 6749 §4.1.2.1, §5.2). */
export interface OAuthErrorFields {
  error: string
  error_description?: string | undefined
  /** Kept only when it is an http(s) URL. */
  error_uri?: string | undefined
}

export interface FhirAuthErrorOptions {
  cause?: unknown
  oauth?: OAuthErrorFields | undefined
  /** HTTP status. Default: that of the code. */
  status?: number | undefined
  retryAfterSeconds?: number | undefined
}

/** Problem details, as an API caller gets them (RFC 9457). */
export interface Problem {
  type: string
  title: string
  status: number
  detail: string
  code: FhirAuthErrorCode
  /** The operator's log line has the same reference. */
  reference: string
  error?: string | undefined
  error_description?: string | undefined
  error_uri?: string | undefined
}

const ERROR_TABLE_URL = 'https://github.com/fhir-auth/fhir-auth/blob/main/docs/errors.md'

/**
 * The error type of this library. Test `code`, never the message. Messages say what is wrong and what to do, and never
 * contain a secret, code, assertion or token.
 */
export class FhirAuthError extends Error {
  override readonly name: string = 'FhirAuthError'
  readonly code: FhirAuthErrorCode
  /** The HTTP status with which an adapter answers. */
  readonly status: number
  /** The authorization server's `error`, if it answered with one. */
  readonly error: string | undefined
  readonly error_description: string | undefined
  readonly error_uri: string | undefined
  /** How long to wait before a retry: the server's `Retry-After`, or a time that this library sets. */
  readonly retryAfterSeconds: number | undefined
  #reference: string | undefined
  /**
   * The error as a response with problem details. Hono sends it when a handler throws this error. Undefined for status 500:
   * that is a mistake of the app, and its details belong in the log only.
   */
  declare readonly getResponse?: () => Response

  constructor(code: FhirAuthErrorCode, message: string, options: FhirAuthErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.status = options.status ?? STATUS_BY_CODE[code]
    this.error = options.oauth?.error
    this.error_description = options.oauth?.error_description
    this.error_uri = options.oauth?.error_uri
    this.retryAfterSeconds = options.retryAfterSeconds
    if (this.status !== 500) Object.defineProperty(this, 'getResponse', { value: () => problemResponse(this) })
  }

  /** Eight letters and digits, such as `7K3M-Q9ZD`, shown on the visitor's page and in the operator's log line. */
  get reference(): string {
    this.#reference ??= newReference()
    return this.#reference
  }

  /** For logs: by default, JSON leaves out an error's message and cause. */
  toJSON(): Record<string, unknown> {
    const { name, code, status, message, reference, error, error_description, error_uri, retryAfterSeconds } = this
    const fields = { name, code, status, message, reference, error, error_description, error_uri, retryAfterSeconds }
    return { ...fields, cause: causeOf(this.cause) }
  }

  /** The error as RFC 9457 problem details. */
  toProblem(): Problem {
    return {
      type: `${ERROR_TABLE_URL}#${this.code}`,
      title: this.code.replaceAll('_', ' '),
      status: this.status,
      detail: this.message,
      code: this.code,
      reference: this.reference,
      ...(this.error !== undefined && { error: this.error }),
      ...(this.error_description !== undefined && { error_description: this.error_description }),
      ...(this.error_uri !== undefined && { error_uri: this.error_uri }),
    }
  }
}

/** The headers of an error's response, whatever its body. */
export function errorHeaders({ status, retryAfterSeconds }: FhirAuthError): Record<string, string> {
  const retryAfter = retryAfterSeconds ?? (status === 503 ? 5 : undefined)
  return {
    ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
    ...(status === 401 && { 'www-authenticate': 'Session' }),
  }
}

function problemResponse(error: FhirAuthError): Response {
  const headers = { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...errorHeaders(error) }
  return new Response(JSON.stringify(error.toProblem()), { status: error.status, headers })
}

/** Without letters and digits that look or sound alike: people read the reference out on the telephone. */
const REFERENCE_LETTERS = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ'

function newReference(): string {
  const letters = [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => REFERENCE_LETTERS[byte % 32])
  return `${letters.slice(0, 4).join('')}-${letters.slice(4).join('')}`
}

/** Only name and message of errors of other libraries: their other members may hold secrets. */
function causeOf(cause: unknown): unknown {
  if (cause === undefined || cause instanceof FhirAuthError) return cause
  return cause instanceof Error ? { name: cause.name, message: cause.message } : String(cause)
}

/** Returns a {@link FhirAuthError} as it is, and wraps any other error in one. */
export function asFhirAuthError(error: unknown, code: FhirAuthErrorCode, message: string): FhirAuthError {
  return error instanceof FhirAuthError ? error : new FhirAuthError(code, message, { cause: error })
}

/** A copy of the error that says to retry in this many seconds. */
export function retryIn(error: FhirAuthError, seconds: number): FhirAuthError {
  const { code, message, status, cause, error: oauthError, error_description, error_uri } = error
  const oauth = oauthError === undefined ? undefined : { error: oauthError, error_description, error_uri }
  return new FhirAuthError(code, message, { cause, oauth, status, retryAfterSeconds: Math.max(1, Math.ceil(seconds)) })
}
