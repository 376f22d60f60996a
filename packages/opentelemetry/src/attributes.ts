import type { FhirAuthEvent } from '@fhir-auth/core'
import type { Attributes } from '@opentelemetry/api'

/** A server's address, under OpenTelemetry's names. Without the path, because that may name a tenant. */
export function serverOf(url: string | undefined): Attributes {
  if (url === undefined || !URL.canParse(url)) return {}
  const { hostname, port, protocol } = new URL(url)
  const standard = protocol === 'https:' ? 443 : 80
  return { 'server.address': hostname, 'server.port': port === '' ? standard : Number(port) }
}

/** The server and client that an event names. */
export function originOf(event: FhirAuthEvent): Attributes {
  const { fhirBaseUrl, clientId } = event as { fhirBaseUrl?: string; clientId?: string } // most events have them
  return { ...serverOf(fhirBaseUrl), ...(clientId !== undefined && { 'fhir_auth.client.id': clientId }) }
}

/** Why something failed: a code of docs/errors.md, never a message. */
export function failureOf(error: { readonly code: string } | undefined): Attributes {
  return error === undefined ? {} : { 'error.type': error.code }
}
