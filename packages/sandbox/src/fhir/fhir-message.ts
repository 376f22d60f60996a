/** What a valid access token stands for. */
export interface FhirAccess {
  scopes: readonly string[]
  /** The patient in context; `patient/` scopes grant nothing without one. */
  patient: string | undefined
  clientId: string
}

export interface FhirRequest {
  method: string
  /** Below the base, starts with `/`. */
  path: string
  query: URLSearchParams
  headers: Record<string, string>
  body: string
}

export interface FhirResponse {
  status: number
  headers: Record<string, string>
  body: string
}

/** A FHIR answer; `no-store` because every answer is health data or speaks about it. */
export function fhirJson(status: number, content: object, headers: Record<string, string> = {}): FhirResponse {
  return {
    status,
    headers: { 'content-type': 'application/fhir+json; charset=utf-8', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(content),
  }
}

/** Header names are compared without case, so that a caller may hand over any spelling. */
export function headerOf(request: FhirRequest, name: string): string | undefined {
  const found = Object.entries(request.headers).find(([key]) => key.toLowerCase() === name)
  return found?.[1]
}
