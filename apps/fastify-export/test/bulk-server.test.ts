import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip, gzipSync } from 'node:zlib'
import { clientSecretBasic, createBackendServices } from '@fhir-auth/fastify'
import { expect, it, onTestFinished, vi } from 'vitest'
import { type ExportProgress, exportGroup } from '../src/bulk-export.ts'
import { saveFile } from '../src/save-file.ts'
import { exportInTerminal } from '../src/terminal.ts'

// A bulk server as they are in the field: files beside the FHIR base, limits, lost connections, tokens that expire.

const LINES = 2000
const line = (type: string, index: number) => `${JSON.stringify({ resourceType: type, id: `${type}-${index}` })}\n`
const fileOf = (type: string) => Array.from({ length: LINES }, (_, index) => line(type, index)).join('')
const half = Math.floor(fileOf('Patient').length / 2)

interface Seen {
  method: string
  path: string
  headers: IncomingMessage['headers']
  status: number
}

async function listen(
  answer: (request: IncomingMessage, response: ServerResponse, seen: Seen[]) => Promise<void> | void,
) {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    response.on('close', () => seen.push({ method, path: url, headers, status: response.statusCode }))
    void Promise.resolve(answer(request, response, seen)).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

/** How the server behaves, beside its first busy answers. */
interface Behaviour {
  requiresAccessToken?: boolean
  /** Where the files are, if not beside the FHIR base. */
  filesAt?: string
  changesAfterBreak?: boolean
  /** The connection breaks when this file has something in it. */
  part?: string
}

async function startBulkServer({
  requiresAccessToken = true,
  filesAt,
  changesAfterBreak = false,
  part,
}: Behaviour = {}) {
  let tokens = 0
  let valid = ''
  const counts = new Map<string, number>()
  const nth = (name: string) => {
    const count = (counts.get(name) ?? 0) + 1
    counts.set(name, count)
    return count
  }
  const server = await listen(async (request, response) => {
    const { url = '', method } = request
    const json = (document: unknown, status = 200) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document))
    const later = (status: number, headers: Record<string, string> = {}) =>
      response.writeHead(status, { 'retry-after': '1', ...headers }).end()
    if (url.endsWith('smart-configuration')) return void json({ token_endpoint: `${server.origin}/x/token` })
    if (url === '/x/token') {
      valid = `token-${++tokens}`
      return void json({ access_token: valid, token_type: 'Bearer', expires_in: 300 })
    }
    if (request.headers.authorization !== `Bearer ${valid}`) return void response.writeHead(401).end()
    if (url === '/x/fhir/Group/g/$export') {
      if (nth('start') === 1) return void later(429)
      return void response.writeHead(202, { 'content-location': `${server.origin}/x/fhir/status/1` }).end()
    }
    if (url === '/x/fhir/status/1') {
      if (method === 'DELETE') return void response.writeHead(202).end()
      const asked = nth('status')
      if (asked === 1) return void later(202, { 'x-progress': '50% of it' })
      if (asked === 2) return void later(429)
      const place = filesAt ?? `${server.origin}/x/bulkfiles`
      const output = ['Patient', 'Observation'].map((type) => ({ type, url: `${place}/${type}`, count: LINES }))
      return void json({ transactionTime: new Date().toISOString(), requiresAccessToken, output, error: [] })
    }
    if (url === '/x/bulkfiles/Patient')
      return plainFile(request, response, { breaksAt: nth('Patient') === 1 ? part : undefined, changesAfterBreak })
    if (url === '/x/bulkfiles/Observation') {
      const asked = nth('Observation')
      // The token expires between two files.
      if (asked === 1) {
        valid = 'none'
        return void response.writeHead(401).end()
      }
      response.writeHead(200, { 'content-type': 'application/fhir+ndjson', 'content-encoding': 'gzip', etag: '"gz"' })
      if (asked > 2) return pipeline(Readable.from([fileOf('Observation')]), createGzip(), response)
      response.write(gzipSync(fileOf('Observation')).subarray(0, 500), () => response.destroy())
      return
    }
    response.writeHead(404).end()
  })
  return server
}

/** Line by line, as from a database; or the rest from a byte on. */
async function plainFile(
  request: IncomingMessage,
  response: ServerResponse,
  { breaksAt, changesAfterBreak }: { breaksAt: string | undefined; changesAfterBreak: boolean },
) {
  const content = fileOf('Patient')
  const etag = breaksAt !== undefined || !changesAfterBreak ? '"first"' : '"second"'
  const [, from] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? []
  const headers = { 'content-type': 'application/fhir+ndjson', etag }
  if (from !== undefined && request.headers['if-range'] === etag) {
    const range = `bytes ${from}-${content.length - 1}/${content.length}`
    response.writeHead(206, { ...headers, 'content-range': range })
    return pipeline(Readable.from([content.slice(Number(from))]), response)
  }
  response.writeHead(200, { ...headers, 'content-length': String(content.length) })
  if (breaksAt !== undefined) {
    response.write(content.slice(0, half))
    await vi.waitFor(async () => expect((await stat(breaksAt)).size).toBeGreaterThan(0), { timeout: 10_000 })
    response.destroy()
    return
  }
  const lines = content.split(/(?<=\n)/)
  return pipeline(Readable.from(lines), response)
}

async function contextFor(origin: string) {
  return createBackendServices({
    fhirBaseUrl: `${origin}/x/fhir`,
    clientId: 'job',
    clientAuth: clientSecretBasic('the-client-secret'),
    scope: 'system/*.rs',
    // Files beside the FHIR base: without this the token does not go there.
    tokenUrls: [`${origin}/x/bulkfiles`],
  }).context()
}

async function temporaryFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'fhir-auth-bulk-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

it('Bulk Data 2.0: an export with all that goes wrong on the way ends with whole files, and is deleted', {
  timeout: 30_000,
}, async () => {
  const folder = await temporaryFolder()
  const { origin, seen } = await startBulkServer({ part: join(folder, '1-Patient.ndjson.part') })
  const shown: string[] = []
  await exportInTerminal(await contextFor(origin), { write: (text) => shown.push(text) }, { group: 'g', folder })

  expect((await readdir(folder)).sort()).toEqual(['1-Patient.ndjson', '2-Observation.ndjson'])
  expect(await readFile(join(folder, '1-Patient.ndjson'), 'utf8')).toBe(fileOf('Patient'))
  expect(await readFile(join(folder, '2-Observation.ndjson'), 'utf8')).toBe(fileOf('Observation'))
  expect(shown.join('')).toContain('50% of it')

  const of = (path: string) => seen.filter((request) => request.path === path)
  expect(of('/x/fhir/Group/g/$export').map(({ status }) => status)).toEqual([429, 202])
  expect(of('/x/fhir/status/1').map(({ method, status }) => `${method} ${status}`)).toEqual([
    ...['GET 202', 'GET 429', 'GET 200', 'DELETE 202'],
  ])
  // The plain file was resumed; a compressed one begins again, as its bytes are not those that were saved.
  const patients = of('/x/bulkfiles/Patient')
  expect(patients.map(({ status }) => status)).toEqual([200, 206])
  expect(patients[1]?.headers['if-range']).toBe('"first"')
  expect(of('/x/bulkfiles/Observation').map(({ status, headers }) => `${status} ${headers.range}`)).toEqual([
    ...['401 undefined', '200 undefined', '200 undefined'],
  ])
  expect(of('/x/token')).toHaveLength(2)
})

it('RFC 9110 §13.1.5: a file that changed after the break is fetched from its beginning', {
  timeout: 30_000,
}, async () => {
  const path = join(await temporaryFolder(), 'patients.ndjson')
  const { origin, seen } = await startBulkServer({ changesAfterBreak: true, part: `${path}.part` })
  const fhir = await contextFor(origin)
  const file = { type: 'Patient', url: `${origin}/x/bulkfiles/Patient` }
  const manifest = { transactionTime: '', requiresAccessToken: true, output: [file], statusUrl: '' }
  await saveFile(fhir, manifest, { file, path })
  expect(await readFile(path, 'utf8')).toBe(fileOf('Patient'))
  expect(seen.filter(({ path }) => path === '/x/bulkfiles/Patient').map(({ status }) => status)).toEqual([200, 200])
})

it('Bulk Data 2.0: without requiresAccessToken no token goes to where the files are', { timeout: 30_000 }, async () => {
  const files = await listen((request, response) => {
    response.writeHead(200, { 'content-type': 'application/fhir+ndjson' }).end(fileOf(request.url?.slice(1) ?? ''))
  })
  const { origin } = await startBulkServer({ requiresAccessToken: false, filesAt: files.origin })
  const fhir = await contextFor(origin)
  const progress: ExportProgress[] = []
  const manifest = await exportGroup(fhir, 'g', { onProgress: (one) => progress.push(one) })
  expect(progress).toEqual([{ percent: 50, message: '50% of it' }])
  const folder = await temporaryFolder()
  for (const file of manifest.output) await saveFile(fhir, manifest, { file, path: join(folder, file.type) })
  expect(await readFile(join(folder, 'Observation'), 'utf8')).toBe(fileOf('Observation'))
  expect(files.seen.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined])
})

it('the page shows this very code', async () => {
  const read = (path: string) => readFile(new URL(path, import.meta.url), 'utf8')
  expect(await read('../../../docs/bulk-export.md')).toContain(await read('../src/save-file.ts'))
})
