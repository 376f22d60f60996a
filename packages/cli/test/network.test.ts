import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { createBackendServices, loadKeySet } from '@fhir-auth/core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { programIsMissing } from '../../core/test/support/installed-program.ts'
import { selfSignedCertificate } from '../../core/test/support/self-signed-server.ts'
import { type Authority, type Certificate, createAuthority } from './support/authority.ts'
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

  const selfSigned = () => {
    const { certificate, privateKey } = selfSignedCertificate()
    return { cert: certificate, key: privateKey }
  }
  const withChain = ({ cert, key }: Certificate, { ca }: Authority) => ({ cert: cert + ca, key })

  // OpenSSL decides which fault a certificate has, and Node what it is called.
  test.each<[fault: string, certificate: (trusted: Authority) => Certificate, remedy: RegExp]>([
    ['expired', (trusted) => trusted.issue('server', { fromDays: -9, untilDays: -1 }), /has expired: .* renew it/],
    ['not valid yet', (trusted) => trusted.issue('server', { fromDays: 1, untilDays: 9 }), /not valid yet: .* clock/],
    [
      'for another host',
      (trusted) => trusted.issue('server', { subjectAltName: 'DNS:fhir.example.com' }),
      /for another host name: use the name/,
    ],
    ['signed by itself', selfSigned, /signed by itself: .* NODE_EXTRA_CA_CERTS/],
    [
      'of an intermediate authority that the server does not send',
      (trusted) => trusted.createIntermediate().issue('server'),
      /does not send its intermediate certificate: ask/,
    ],
    [
      'of an unknown authority that the server sends',
      () => {
        const unknown = createAuthority()
        return withChain(unknown.issue('server'), unknown)
      },
      /from an authority that this machine does not trust: set NODE_EXTRA_CA_CERTS/,
    ],
    [
      'of an unknown authority, with the intermediate one',
      () => {
        const intermediate = createAuthority().createIntermediate()
        return withChain(intermediate.issue('server'), intermediate)
      },
      /from an authority that this machine does not trust: set NODE_EXTRA_CA_CERTS/,
    ],
  ])('a certificate that is %s: it says so, and what to do', async (_fault, certificateBy, remedy) => {
    const trusted = createAuthority()
    const { origin, asked } = await startHospital(trusted, certificateBy(trusted))
    const ended = await command.run(['discover', origin, '--json'], { env: { NODE_EXTRA_CA_CERTS: trusted.caFile } })
    const [finding] = JSON.parse(ended.stdout).findings
    expect([ended.code, finding.code, finding.meaning]).toEqual([1, 'tls', expect.stringMatching(remedy)])
    expect(asked).toEqual([])
  })

  test('a server that wants a certificate of the client: what it says fits, whether the server explains itself or not', async () => {
    const trusted = createAuthority()
    const { origin, asked } = await startHospital(trusted, {
      ca: trusted.ca,
      requestCert: true,
      rejectUnauthorized: true,
    })
    const ended = await command.run(['discover', origin, '--json'], { env: { NODE_EXTRA_CA_CERTS: trusted.caFile } })
    const [finding] = JSON.parse(ended.stdout).findings
    expect([ended.code, finding.meaning]).toEqual([1, expect.stringMatching(/client certificate .*docs\/network\.md/)])
    expect(asked).toEqual([])
  })

  // Undici loses a request now and then whose connection breaks right after its handshake: nothing is left to wait for.
  test('a request that gets lost: it ends with a finding, not in silence', async () => {
    const lost = `
      const wait = globalThis.setTimeout
      globalThis.setTimeout = (done, milliseconds) => wait(done, milliseconds / 100)
      globalThis.fetch = () => new Promise(() => {})`
    const file = join(temporaryFolder(), 'lost.mjs')
    writeFileSync(file, lost)
    const ended = await command.run(['discover', 'https://fhir.example.com', '--json'], {
      env: { NODE_OPTIONS: `--import ${file}` },
    })
    const [finding] = JSON.parse(ended.stdout).findings
    expect([ended.code, finding.code]).toEqual([1, 'timeout'])
  })

  test('a chain with its intermediate certificate is trusted by the root alone', async () => {
    const trusted = createAuthority()
    const intermediate = trusted.createIntermediate()
    const { origin } = await startHospital(trusted, withChain(intermediate.issue('server'), intermediate))
    expect((await command.run(['discover', origin], { env: { NODE_EXTRA_CA_CERTS: trusted.caFile } })).code).toBe(0)
  })

  const byFile = { NODE_OPTIONS: '--import ./proxy.mjs' }
  const byNode = { NODE_USE_ENV_PROXY: '1' }

  interface Proxied {
    noProxy?: (host: string) => string
    /** What the proxy wants, and what it is given: `user:password`. */
    wanted?: string
    given?: string
  }

  /** What the command and the proxy did, with this environment. */
  async function discoverBy(env: Record<string, string>, { noProxy, wanted, given }: Proxied = {}) {
    const authority = createAuthority()
    const { origin, host } = await startHospital(authority)
    const proxy = await startConnectProxy(wanted)
    const [, file = ''] = /```js\n(\/\/ proxy\.mjs\n[\s\S]*?)```/.exec(page) ?? []
    writeFileSync(join(command.script, '../../../../../proxy.mjs'), file)
    const HTTPS_PROXY = given ? proxy.url.replace('//', `//${given}@`) : proxy.url
    const hosts = noProxy && { NO_PROXY: noProxy(host) }
    const all = { NODE_EXTRA_CA_CERTS: authority.caFile, HTTPS_PROXY, ...hosts, ...env }
    const { code, stdout, stderr } = await command.run(['discover', origin], { env: all })
    return { code, stdout, stderr, byProxy: new Set(proxy.targets).has(host), directly: proxy.targets.length === 0 }
  }

  test('a proxy on any Node, by the file that the page shows', async () => {
    expect(await discoverBy(byFile)).toMatchObject({ code: 0, stderr: '', byProxy: true })
  })

  test('a proxy that wants a password: it says so, and what it says helps', async () => {
    const refused = await discoverBy(byFile, { wanted: 'user:secret' })
    expect(refused).toMatchObject({ code: 1, stdout: expect.stringMatching(/http:\/\/user:password@/), byProxy: false })
    const given = await discoverBy(byFile, { wanted: 'user:secret', given: 'user:secret' })
    expect(given).toMatchObject({ code: 0, byProxy: true })
  })

  test('NO_PROXY: the hosts in it are reached directly, and others are not', async () => {
    for (const noProxy of [() => 'other.example, 127.0.0.1', (host: string) => host]) {
      expect(await discoverBy(byFile, { noProxy })).toMatchObject({ code: 0, directly: true })
    }
    expect(await discoverBy(byFile, { noProxy: () => 'other.example' })).toMatchObject({ code: 0, byProxy: true })
  })

  // Node 22.21 and 24.5 are the first to have it.
  test.runIf(process.allowedNodeEnvironmentFlags.has('--use-env-proxy'))('NODE_USE_ENV_PROXY: a proxy', async () => {
    expect(await discoverBy(byNode)).toMatchObject({ code: 0, byProxy: true })
    const password = { wanted: 'user:secret', given: 'user:secret' }
    expect(await discoverBy(byNode, password)).toMatchObject({ code: 0, byProxy: true })
    const noProxy = () => 'other.example, 127.0.0.1'
    expect(await discoverBy(byNode, { noProxy })).toMatchObject({ code: 0, directly: true })
  })
})
