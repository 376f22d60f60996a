import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { createBackendServices, loadKeySet } from '@fhir-auth/core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { programIsMissing } from '../../core/test/support/installed-program.ts'
import { type Authority, createAuthority } from './support/authority.ts'
import { startConnectProxy } from './support/connect-proxy.ts'
import { type InstalledCommand, installCommand } from './support/installed-command.ts'
import { fetchThroughProxy, fetchTrusting, fetchWithCertificate } from './support/own-fetch.ts'
import { run } from './support/run.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const page = readFileSync(fileURLToPath(new URL('../../../docs/network.md', import.meta.url)), 'utf8')

/** A FHIR server over TLS, with the certificate of a hospital's authority. */
async function startHospital(authority: Authority, options: ServerOptions = {}) {
  const asked: { path: string; client: string | undefined }[] = []
  const server = createServer({ ...authority.issue('server'), ...options }, (request, response) => {
    const subject = (request.socket as TLSSocket).getPeerCertificate().subject
    asked.push({ path: request.url ?? '', client: subject?.CN as string | undefined })
    const documents: Record<string, object> = {
      '/.well-known/smart-configuration': {
        token_endpoint: `${origin}/token`,
        authorization_endpoint: `${origin}/authorize`,
        capabilities: [],
        code_challenge_methods_supported: ['S256'],
      },
      '/token': { access_token: 'opaque', token_type: 'Bearer', expires_in: 300 },
      '/Patient': { resourceType: 'Bundle' },
    }
    const document = documents[request.url ?? '']
    response.writeHead(document ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(document))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const origin = `https://127.0.0.1:${port}`
  return { origin, host: `127.0.0.1:${port}`, asked }
}

async function createJob(fhirBaseUrl: string, own?: typeof fetch) {
  const folder = temporaryFolder()
  await run(['keygen', '--out', folder])
  const keys = await loadKeySet(readFileSync(join(folder, 'private.jwks.json'), 'utf8'))
  return createBackendServices({ fhirBaseUrl, clientId: 'job', keys, scope: 'system/Patient.rs', fetch: own })
}
type Job = Awaited<ReturnType<typeof createJob>>
const read = async (job: Job) => (await (await job.context()).fetch('Patient')).status

describe.skipIf(programIsMissing('openssl'))('the library, by a fetch of the app’s own', () => {
  test('a private certificate authority: discovery, token and FHIR go through it', async () => {
    const authority = createAuthority()
    const { origin, asked } = await startHospital(authority)
    await expect(createJob(origin).then(read)).rejects.toMatchObject({
      code: expect.stringMatching(/discovery_failed|network_error/),
    })
    expect(await read(await createJob(origin, fetchTrusting(authority.ca)))).toBe(200)
    expect(asked.map(({ path }) => path)).toEqual(['/.well-known/smart-configuration', '/token', '/Patient'])
  })

  test('RFC 8705 §2 at the transport: each request shows the client certificate', async () => {
    const authority = createAuthority()
    const { origin, asked } = await startHospital(authority, { ca: authority.ca, requestCert: true })
    const tls = { ca: authority.ca, ...authority.issue('job-of-this-test') }
    expect(await read(await createJob(origin, fetchWithCertificate(tls)))).toBe(200)
    expect(asked.map(({ client }) => client)).toEqual(Array(3).fill('job-of-this-test'))
  })

  test('a server that insists refuses a client without one', async () => {
    const authority = createAuthority()
    const { origin, asked } = await startHospital(authority, {
      ca: authority.ca,
      requestCert: true,
      rejectUnauthorized: true,
    })
    await expect(createJob(origin, fetchTrusting(authority.ca)).then(read)).rejects.toMatchObject({
      code: expect.stringMatching(/discovery_failed|network_error/),
    })
    expect(asked).toEqual([])
  })

  test('a proxy: everything is tunnelled, and the proxy sees no more than the host', async () => {
    const authority = createAuthority()
    const { origin, host } = await startHospital(authority)
    const proxy = await startConnectProxy()
    expect(await read(await createJob(origin, fetchThroughProxy(proxy.url, authority.ca)))).toBe(200)
    expect(new Set(proxy.targets)).toEqual(new Set([host]))
  })

  test('the page shows this very code', () => {
    const sample = readFileSync(fileURLToPath(new URL('support/own-fetch.ts', import.meta.url)), 'utf8')
    expect(page).toContain(sample)
  })
})

describe.skipIf(programIsMissing('openssl'))('the command', () => {
  let command: InstalledCommand
  beforeAll(() => {
    command = installCommand([['cli', 'undici']])
  }, 60_000)
  afterAll(() => command.remove())

  test('NODE_EXTRA_CA_CERTS: a private authority', async () => {
    const authority = createAuthority()
    const { origin } = await startHospital(authority)
    const stranger = await command.run(['discover', origin])
    expect(stranger.code).toBe(1)
    expect(stranger.stdout).toContain('NODE_EXTRA_CA_CERTS')
    expect((await command.run(['discover', origin], { env: { NODE_EXTRA_CA_CERTS: authority.caFile } })).code).toBe(0)
  })

  test('a proxy on any Node, by the file that the page shows', async () => {
    const authority = createAuthority()
    const { origin, host } = await startHospital(authority)
    const proxy = await startConnectProxy()
    const [, file = ''] = /```js\n(\/\/ proxy\.mjs\n[\s\S]*?)```/.exec(page) ?? []
    writeFileSync(join(command.script, '../../../../../proxy.mjs'), file)
    const env = { NODE_EXTRA_CA_CERTS: authority.caFile, HTTPS_PROXY: proxy.url, NODE_OPTIONS: '--import ./proxy.mjs' }
    const { code, stderr } = await command.run(['discover', origin], { env })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(new Set(proxy.targets)).toEqual(new Set([host]))
  })

  // Node 22.21 and 24.5 are the first to have it.
  test.runIf(process.allowedNodeEnvironmentFlags.has('--use-env-proxy'))('NODE_USE_ENV_PROXY: a proxy', async () => {
    const authority = createAuthority()
    const { origin, host } = await startHospital(authority)
    const proxy = await startConnectProxy()
    const env = { NODE_EXTRA_CA_CERTS: authority.caFile, HTTPS_PROXY: proxy.url, NODE_USE_ENV_PROXY: '1' }
    expect((await command.run(['discover', origin], { env })).code).toBe(0)
    expect(new Set(proxy.targets)).toEqual(new Set([host]))
  })
})
