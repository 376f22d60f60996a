import { isCreatable } from './create-resource.ts'
import { resourceTypes } from './resource.ts'
import { searchParametersOf } from './search-parameters.ts'

export interface SecurityExtension {
  authorize: string
  token: string
  revoke?: string | undefined
  introspect?: string | undefined
}

/** SMART's `oauth-uris` (SMART App Launch 1.0 "Declaring support for OAuth2 endpoints"). */
function oauthUris(endpoints: SecurityExtension): object {
  const names = ['authorize', 'token', 'revoke', 'introspect'] as const
  return {
    url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
    extension: names.flatMap((name) => {
      const valueUri = endpoints[name]
      return valueUri === undefined ? [] : [{ url: name, valueUri }]
    }),
  }
}

const bulkData = 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition'

/** What `/metadata` answers. */
export function capabilityStatement(baseUrl: string, endpoints: SecurityExtension): object {
  const resource = resourceTypes.map((type) => ({
    type,
    interaction: [{ code: 'read' }, { code: 'search-type' }, ...(isCreatable(type) ? [{ code: 'create' }] : [])],
    searchParam: searchParametersOf(type),
    ...(type === 'Group' ? { operation: [{ name: 'export', definition: `${bulkData}/group-export` }] } : {}),
    ...(type === 'Patient' ? { operation: [{ name: 'export', definition: `${bulkData}/patient-export` }] } : {}),
  }))
  const security = {
    extension: [oauthUris(endpoints)],
    service: [
      {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/restful-security-service', code: 'SMART-on-FHIR' }],
        text: 'OAuth2 using SMART-on-FHIR profile (see http://docs.smarthealthit.org)',
      },
    ],
  }
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: '2025-01-01',
    kind: 'instance',
    software: { name: '@fhir-auth/sandbox' },
    implementation: { description: 'Synthetic patients for development and tests', url: baseUrl },
    fhirVersion: '4.0.1',
    format: ['application/fhir+json'],
    rest: [{ mode: 'server', security, resource }],
  }
}
