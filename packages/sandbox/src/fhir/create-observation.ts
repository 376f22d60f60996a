import { type FhirAccess, type FhirRequest, type FhirResponse, fhirJson, headerOf } from './fhir-message.ts'
import { FhirProblem, insufficientScope } from './operation-outcome.ts'
import { type FhirResource, isObject, referenceOf } from './resource.ts'
import type { ResourceStore } from './resource-store.ts'
import { levelOf, requirePermission } from './scope-check.ts'

function parseBody(request: FhirRequest): Record<string, unknown> {
  const mediaType = (headerOf(request, 'content-type') ?? '').split(';')[0]?.trim().toLowerCase()
  if (mediaType !== 'application/fhir+json' && mediaType !== 'application/json') {
    throw new FhirProblem(415, 'not-supported', 'Send application/fhir+json.')
  }
  let body: unknown
  try {
    body = JSON.parse(request.body)
  } catch {
    throw new FhirProblem(400, 'invalid', 'The body is not JSON.')
  }
  if (!isObject(body) || body.resourceType !== 'Observation') {
    throw new FhirProblem(400, 'invalid', 'The body is not an Observation.')
  }
  return body
}

/** `Patient/{id}` of a patient that is here; an absolute reference below the base means the same. */
function subjectOf(body: Record<string, unknown>, store: ResourceStore, baseUrl: string): string {
  const written = referenceOf(body.subject)
  const relative = written?.startsWith(`${baseUrl}/`) ? written.slice(baseUrl.length + 1) : written
  if (!relative?.startsWith('Patient/') || store.read('Patient', relative.slice('Patient/'.length)) === undefined) {
    throw new FhirProblem(400, 'invalid', 'Observation.subject must reference a Patient of this server.')
  }
  return relative
}

/** Adds Observations; the id is the server's (https://hl7.org/fhir/R4/http.html#create). */
export function observationCreator(
  store: ResourceStore,
  baseUrl: string,
): (access: FhirAccess, request: FhirRequest) => FhirResponse {
  let created = 0
  return (access, request) => {
    const permission = requirePermission(access, 'Observation', 'c')
    const body = parseBody(request)
    if (typeof body.status !== 'string') throw new FhirProblem(400, 'required', 'Observation.status is missing.')
    if (!isObject(body.code)) throw new FhirProblem(400, 'required', 'Observation.code is missing.')
    const subject = subjectOf(body, store, baseUrl)
    const resource: FhirResource = {
      ...body,
      resourceType: 'Observation',
      id: `created-observation-${created + 1}`,
      meta: { lastUpdated: new Date().toISOString() },
      subject: { ...(isObject(body.subject) ? body.subject : {}), reference: subject },
    }
    if (!permission.allows(resource)) {
      throw insufficientScope(
        `${levelOf(access)}/Observation.c`,
        'The access token does not let this Observation be written.',
      )
    }
    created += 1
    store.add(resource)
    return fhirJson(201, resource, { location: `${baseUrl}/Observation/${resource.id}` })
  }
}
