import { createUserAgent } from '@fhir-auth/sandbox'
import type { DemoServers } from './demo-servers.ts'
import { check, heading, line, masked, members } from './transcript.ts'

/** A person logs in at InteliChart through the portal: authorization code with a client secret. */
export async function runPatientFlow({ sandbox, portalOrigin, clientSecret }: DemoServers): Promise<void> {
  heading('1. A patient logs in (authorization code, client secret)')
  sandbox.clearRequests()
  const patient = sandbox.patients[0]
  const browser = createUserAgent()
  const page = await browser.signIn(`${portalOrigin}/chart`, { patient: patient?.id })
  const html = await page.text()

  for (const { host, method, path, status } of sandbox.requests) {
    if (path.startsWith('/.well-known/')) line('Discovery', `${method} ${path} on the ${host} host: ${status}`)
  }
  const [authorize] = sandbox.requestsTo('/authorize')
  line('Authorization request', `GET ${sandbox.issuer}/authorize`)
  members(authorize?.query ?? [])

  const callback = browser.history.find(({ url }) => url.startsWith(`${portalOrigin}/callback`))
  line('Callback', `GET ${portalOrigin}/callback`)
  members(callback ? new URL(callback.url).searchParams : [])

  const [token] = sandbox.requestsTo('/token')
  line('Token request', `POST ${sandbox.issuer}/token`)
  members([['Authorization', `Basic ${masked(token?.headers.authorization?.slice('Basic '.length) ?? '')}`]])
  members(token?.form ?? [])

  const session = await browser.request(`${portalOrigin}/api/session`, { headers: { accept: 'application/json' } })
  line('Session', 'GET /api/session')
  members(Object.entries((await session.json()) as object))

  const reads = sandbox.requests.filter(({ host, path }) => host === 'fhir' && !path.startsWith('/.well-known/'))
  line('FHIR reads of the page')
  for (const { method, url, status } of reads) line('', `${method} ${url}: ${status}`)

  const secret = Buffer.from(`demo-portal:${clientSecret}`).toString('base64')
  check(
    'the client secret went to the token endpoint as Basic credentials',
    token?.headers.authorization === `Basic ${secret}`,
  )
  check('the audience of the code exchange is the FHIR base URL', token?.form.get('audience') === sandbox.fhirBaseUrl)
  check('the server accepted the code exchange', token?.status === 200)
  check(`the page shows ${patient?.name}`, page.status === 200 && html.includes(patient?.name ?? '\0'))
  check('every FHIR read was answered', reads.length > 0 && reads.every(({ status }) => status === 200))
  const accessToken = reads[0]?.headers.authorization?.slice('Bearer '.length) ?? ''
  const seenByBrowser = [html, ...browser.cookies.map(({ value }) => value), ...browser.history.map(({ url }) => url)]
  check(
    'the token stayed on the server',
    accessToken !== '' && !seenByBrowser.some((text) => text.includes(accessToken)),
  )
}
