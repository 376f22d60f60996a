import { clinicalData } from './clinical-data.ts'
import type { FhirResource, ResourceType } from './resource.ts'

export interface ResourceStore {
  read(type: ResourceType, id: string): FhirResource | undefined
  /** In the order they were added. */
  list(type: ResourceType): readonly FhirResource[]
  add(resource: FhirResource): void
}

/** The synthetic data, and added resources, in memory. */
export function createResourceStore(): ResourceStore {
  const byType = new Map<ResourceType, Map<string, FhirResource>>()
  const add = (resource: FhirResource): void => {
    const ofType = byType.get(resource.resourceType) ?? new Map<string, FhirResource>()
    byType.set(resource.resourceType, ofType.set(resource.id, resource))
  }
  for (const resource of clinicalData()) add(resource)
  return {
    read: (type, id) => byType.get(type)?.get(id),
    list: (type) => [...(byType.get(type)?.values() ?? [])],
    add,
  }
}
