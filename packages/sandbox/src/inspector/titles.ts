import type { RecordedRequest } from '../request-record.ts'

const GRANTS: Readonly<Record<string, string>> = {
  authorization_code: 'The app exchanges the code for a token',
  refresh_token: 'The app renews its token',
  client_credentials: 'A system signs in with its key',
}

const PATHS: Readonly<Record<string, string>> = {
  '/.well-known/openid-configuration': 'The app reads the openid-configuration',
  '/jwks': 'The app fetches the keys of the server',
  '/authorize': 'The app sends the person to the server',
  '/revoke': 'The app gives a token back',
  '/introspect': 'The app asks about a token',
}

/** What happens in a request, in one line. */
export function titleOf({ host, method, path, form }: RecordedRequest): string {
  if (path.endsWith('/.well-known/smart-configuration')) return 'The app reads the smart-configuration'
  if (host === 'fhir')
    return path.endsWith('/metadata') ? 'The app reads the CapabilityStatement' : fhirTitle(method, path)
  if (path === '/token') return textIn(GRANTS, form.get('grant_type') ?? '') ?? 'The app asks for a token'
  if (path.startsWith('/interaction/')) return method === 'POST' ? 'The person answers' : 'The person reads a page'
  if (path.startsWith('/authorize/')) return 'The server goes on, or sends the person back to the app'
  return textIn(PATHS, path) ?? `${method} ${path}`
}

function textIn(texts: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(texts, name) ? texts[name] : undefined
}

function fhirTitle(method: string, path: string): string {
  const type = path.split('/').find((segment) => /^[A-Z][A-Za-z]+$/.test(segment))
  const verb = method === 'GET' ? 'reads' : 'writes'
  return type === undefined ? `The app ${verb} FHIR` : `The app ${verb} ${type}`
}
