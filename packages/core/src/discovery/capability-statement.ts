/** Compared without case, because one vendor's manual writes "FHIR-registry". */
const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/structuredefinition/oauth-uris'

const MEMBER_OF_EXTENSION: Readonly<Record<string, string>> = {
  authorize: 'authorization_endpoint',
  token: 'token_endpoint',
  register: 'registration_endpoint',
  manage: 'management_endpoint',
  introspect: 'introspection_endpoint',
  revoke: 'revocation_endpoint',
}

/**
 * The OAuth endpoints in a CapabilityStatement (`Conformance` in DSTU2), from the extension of SMART 1.0,
 * `rest[].security.extension[oauth-uris]`. It does not tell PKCE, issuer or keys.
 */
export function endpointsOfCapabilityStatement(document: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const endpoints: Record<string, unknown> = {}
  for (const rest of objects(document.rest)) {
    const security = objects([rest.security])[0]
    for (const extension of objects(security?.extension)) {
      if (typeof extension.url !== 'string' || extension.url.toLowerCase() !== OAUTH_URIS) continue
      for (const { url, valueUri, valueUrl } of objects(extension.extension)) {
        const name = typeof url === 'string' && Object.hasOwn(MEMBER_OF_EXTENSION, url) && MEMBER_OF_EXTENSION[url]
        // SMART 1.0 says valueUri; some servers write valueUrl, another type of FHIR R4.
        const value = typeof valueUri === 'string' ? valueUri : valueUrl
        if (name && typeof value === 'string') endpoints[name] ??= value
      }
    }
  }
  return endpoints
}

function objects(value: unknown): Record<string, unknown>[] {
  if (!Array.isArray(value)) return []
  return value.filter((item): item is Record<string, unknown> => typeof item === 'object' && item !== null)
}
