import { type FhirResponse, fhirJson } from './fhir-message.ts'

/** The codes of https://hl7.org/fhir/R4/valueset-issue-type.html that this API answers with. */
export type IssueCode = 'forbidden' | 'invalid' | 'login' | 'not-found' | 'not-supported' | 'required' | 'value'

/** A request that ends in an OperationOutcome. */
export class FhirProblem extends Error {
  readonly status: number
  readonly issueCode: IssueCode
  readonly headers: Record<string, string>

  constructor(status: number, issueCode: IssueCode, diagnostics: string, headers: Record<string, string> = {}) {
    super(diagnostics)
    this.name = 'FhirProblem'
    this.status = status
    this.issueCode = issueCode
    this.headers = headers
  }

  toResponse(): FhirResponse {
    const issue = [{ severity: 'error', code: this.issueCode, diagnostics: this.message }]
    return fhirJson(this.status, { resourceType: 'OperationOutcome', issue }, this.headers)
  }
}

/** RFC 6750 §3.1 `invalid_token`. */
export function invalidToken(): FhirProblem {
  return new FhirProblem(401, 'login', 'A valid access token is needed.', {
    'www-authenticate': 'Bearer error="invalid_token"',
  })
}

/** RFC 6750 §3.1 `insufficient_scope`; `needed` is a scope that would do. */
export function insufficientScope(needed: string, diagnostics: string): FhirProblem {
  return new FhirProblem(403, 'forbidden', diagnostics, {
    'www-authenticate': `Bearer error="insufficient_scope", scope="${needed}"`,
  })
}
