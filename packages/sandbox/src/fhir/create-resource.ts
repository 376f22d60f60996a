import { type FhirAccess, type FhirRequest, type FhirResponse, fhirJson, headerOf } from './fhir-message.ts'
import { FhirProblem, insufficientScope } from './operation-outcome.ts'
import { type FhirResource, isObject, type ResourceType, referenceOf } from './resource.ts'
import type { ResourceStore } from './resource-store.ts'
import { levelOf, requirePermission } from './scope-check.ts'

export type CreatableType = 'Observation' | 'QuestionnaireResponse'

/** The elements that each must have besides `status` and `subject`. */
const requiredObjects: Readonly<Record<CreatableType, readonly string[]>> = {
  Observation: ['code'],
  QuestionnaireResponse: [],
}

export function isCreatable(type: ResourceType): type is CreatableType {
  return Object.hasOwn(requiredObjects, type)
}

function parseBody(request: FhirRequest, type: CreatableType): Record<string, unknown> {
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
  if (!isObject(body) || body.resourceType !== type) {
    throw new FhirProblem(400, 'invalid', `The resourceType of the body is not ${type}.`)
  }
  return body
}

/** `Patient/{id}` of a patient that is here; an absolute reference below the base means the same. */
function subjectOf(body: Record<string, unknown>, store: ResourceStore, baseUrl: string): string {
  const written = referenceOf(body.subject)
  const relative = written?.startsWith(`${baseUrl}/`) ? written.slice(baseUrl.length + 1) : written
  if (!relative?.startsWith('Patient/') || store.read('Patient', relative.slice('Patient/'.length)) === undefined) {
    throw new FhirProblem(400, 'invalid', 'subject must reference a Patient of this server.')
  }
  return relative
}

/** Adds resources; the id is the server's (https://hl7.org/fhir/R4/http.html#create). */
export function resourceCreator(
  store: ResourceStore,
  baseUrl: string,
): (access: FhirAccess, request: FhirRequest, type: CreatableType) => FhirResponse {
  let created = 0
  return (access, request, type) => {
    const permission = requirePermission(access, type, 'c')
    const body = parseBody(request, type)
    if (typeof body.status !== 'string') throw new FhirProblem(400, 'required', `${type}.status is missing.`)
    for (const element of requiredObjects[type]) {
      if (!isObject(body[element])) throw new FhirProblem(400, 'required', `${type}.${element} is missing.`)
    }
    const subject = subjectOf(body, store, baseUrl)
    const resource: FhirResource = {
      ...body,
      resourceType: type,
      id: `created-${type.toLowerCase()}-${created + 1}`,
      meta: { lastUpdated: new Date().toISOString() },
      subject: { ...(isObject(body.subject) ? body.subject : {}), reference: subject },
    }
    if (!permission.allows(resource)) {
      throw insufficientScope(`${levelOf(access)}/${type}.c`, `The access token does not let this ${type} be written.`)
    }
    created += 1
    store.add(resource)
    return fhirJson(201, resource, { location: `${baseUrl}/${type}/${resource.id}` })
  }
}
