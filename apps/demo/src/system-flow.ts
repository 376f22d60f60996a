import type { DemoServers } from './demo-servers.ts'
import { check, heading, line, members } from './transcript.ts'

/** A system gets a token with a signed assertion: client credentials, keys by JWKS URL. */
export async function runSystemFlow({ sandbox, jobOrigin, jobRequests }: DemoServers): Promise<void> {
  heading('2. A system reads patients (client credentials, signed assertion)')
  sandbox.clearRequests()
  const first = await fetch(`${jobOrigin}/patients`)
  const bundle = (await first.json()) as { entry?: { resource: { id: string } }[] }

  const [token] = sandbox.requestsTo('/token')
  line('Token request', `POST ${sandbox.issuer}/token`)
  members(token?.form ?? [])
  const [header, claims] = (token?.form.get('client_assertion') ?? '').split('.').map(decodePart)
  line('Assertion header')
  members(Object.entries(header ?? {}))
  line('Assertion claims')
  members(Object.entries(claims ?? {}))
  const jwksPath = '/.well-known/jwks.json'
  const isJwksFetched = jobRequests.includes(jwksPath)
  line('JWKS', `${isJwksFetched ? 'fetched by the server from' : 'not fetched from'} ${jobOrigin}${jwksPath}`)

  const ids = bundle.entry?.map(({ resource }) => resource.id) ?? []
  line('FHIR read', `GET /Patient?_count=3: ${ids.join(', ')}`)
  const second = await fetch(`${jobOrigin}/patients`)

  const jwks = (await (await fetch(`${jobOrigin}${jwksPath}`)).json()) as { keys: { kid: string }[] }
  check('the server fetched the JWKS from the job', isJwksFetched)
  check('the server accepted the assertion', token?.status === 200)
  check(
    'the JWKS has the key that signed',
    jwks.keys.some(({ kid }) => kid === header?.kid),
  )
  check('the claims name the registered jwks_url', claims?.jwks_url === `${jobOrigin}${jwksPath}`)
  check('accessTokensExpireIn is a whole number of minutes', Number.isInteger(claims?.accessTokensExpireIn))
  check('the FHIR API answered with patients', first.status === 200 && ids.length > 0)
  check('the second call used the cached token', second.status === 200 && sandbox.requestsTo('/token').length === 1)
}

function decodePart(part: string): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString())
  } catch {
    // The signature, which is not JSON.
    return {}
  }
}
