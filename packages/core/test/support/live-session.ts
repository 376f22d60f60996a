import type { AdapterRequest } from '../../src/adapter.ts'
import { createSmartLaunch, publicClient, type SessionOptions, type SmartLaunch } from '../../src/index.ts'
import { sendJson, startTokenServer } from './token-server.ts'

/** A launch, and the cookies of a browser that has logged in, among others. */
export async function loggedIn(
  session: Partial<SessionOptions> = {},
  now = Date.now,
): Promise<{ launch: SmartLaunch; cookie: string }> {
  const { tokenEndpoint } = await startTokenServer((_, response) => {
    sendJson(response, { access_token: 'the-token', token_type: 'bearer', expires_in: 3600, patient: 'p' })
  })
  const launch = createSmartLaunch({
    fhirBaseUrl: 'https://ehr.example/fhir',
    clientId: 'portal',
    clientAuth: publicClient(),
    redirectUri: 'https://portal.example/callback',
    scope: 'launch/patient patient/*.rs',
    session: { secret: crypto.randomUUID(), ...session },
    metadata: { authorization_endpoint: 'https://ehr.example/authorize', token_endpoint: tokenEndpoint },
    now,
  })
  const login = await launch.answer(requestWith(undefined, '/login').request)
  const state = login.kind === 'redirect' ? new URL(login.location).searchParams.get('state') : undefined
  const back = requestWith(login.cookies.map(pairOf).join('; '), `/callback?code=c&state=${state}`)
  const { cookies } = await launch.answer(back.request)
  const sessionCookie = cookies.map(pairOf).find((pair) => pair.startsWith('__Host-fhir-auth.session='))
  return { launch, cookie: `theme=dark; ${sessionCookie}; locale=en` }
}

/** A request as an adapter hands it over, and which headers it was asked for. */
export function requestWith(
  cookie: string | undefined,
  url = '/vitals?page=1',
): { request: AdapterRequest; asked: string[] } {
  const asked: string[] = []
  const header = (name: string) => {
    asked.push(name)
    return name === 'cookie' ? cookie : undefined
  }
  return { request: { method: 'GET', url, header }, asked }
}

function pairOf(setCookie: string): string {
  return setCookie.split(';', 1)[0] ?? ''
}
