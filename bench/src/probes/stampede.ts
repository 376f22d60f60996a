import { createBackendServices } from '@fhir-auth/core'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { backendOptions, CLIENT_ID, generateAppKey, SCOPE } from '../support/backend-client.ts'
import { inRounds } from '../support/rounds.ts'

// Says how long one cold caller waits, and ten thousand, and how many requests they make.
const [origin = '', rounds] = process.argv.slice(2)
const CALLERS = 10_000
const PEER_CALLERS = 1000
const { keys, privateKey } = await generateAppKey()

const milliseconds = await inRounds(['one', 'waiting', 'all'], Number(rounds) + 2, async (name) => {
  const backend = createBackendServices(backendOptions(origin, keys))
  const startedAt = performance.now()
  if (name === 'one') await backend.context()
  else {
    // The limit: one caller asks, and the others only wait for the same promise.
    const one = name === 'waiting' ? backend.context() : undefined
    await Promise.all(Array.from({ length: CALLERS }, async () => (await (one ?? backend.context())).accessToken))
  }
  return performance.now() - startedAt
})

async function counted(work: () => Promise<unknown>): Promise<{ discovery: number; token: number }> {
  await fetch(`${origin}/counts`)
  await work()
  return (await (await fetch(`${origin}/counts`)).json()) as { discovery: number; token: number }
}

const backend = createBackendServices(backendOptions(origin, keys))
const ours = await counted(() => Promise.all(Array.from({ length: CALLERS }, async () => backend.context())))

const clientAuth = openid.PrivateKeyJwt({ key: privateKey, kid: 'key' })
const openidClient = await counted(async () => {
  const configuration = await openid.discovery(new URL(origin), CLIENT_ID, {}, clientAuth, {
    execute: [openid.allowInsecureRequests],
  })
  const grant = () => openid.clientCredentialsGrant(configuration, { scope: SCOPE })
  await Promise.all(Array.from({ length: PEER_CALLERS }, grant))
})

const oauth4webapi = await counted(async () => {
  const issuer = new URL(origin)
  const found = await oauth.discoveryRequest(issuer, { [oauth.allowInsecureRequests]: true })
  const server = await oauth.processDiscoveryResponse(issuer, found)
  const client = { client_id: CLIENT_ID }
  const auth = oauth.PrivateKeyJwt({ key: privateKey, kid: 'key' })
  const grant = async () => {
    const parameters = new URLSearchParams({ scope: SCOPE })
    const insecure = { [oauth.allowInsecureRequests]: true }
    const answer = await oauth.clientCredentialsGrantRequest(server, client, auth, parameters, insecure)
    return oauth.processClientCredentialsResponse(server, client, answer)
  }
  await Promise.all(Array.from({ length: PEER_CALLERS }, grant))
})
process.send?.({
  one: milliseconds.one.slice(2),
  waiting: milliseconds.waiting.slice(2),
  all: milliseconds.all.slice(2),
  counts: { ours, openidClient, oauth4webapi },
})
