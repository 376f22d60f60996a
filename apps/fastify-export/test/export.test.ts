import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromiumPath, launchChromium } from '@fhir-auth/conformance/chromium'
import { type BackendServices, createBackendServices, loadKeySet } from '@fhir-auth/fastify'
import { createSandbox, createUserAgent, type Sandbox } from '@fhir-auth/sandbox'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createExportApp } from '../src/app.ts'
import { exportInTerminal, type Terminal } from '../src/terminal.ts'

const group = 'sandbox-cohort'
let sandbox: Sandbox
let backend: BackendServices
let app: FastifyInstance
let origin: string

beforeAll(async () => {
  sandbox = await createSandbox()
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  backend = createBackendServices({
    fhirBaseUrl: sandbox.fhirBaseUrl,
    clientId: 'cohort-export',
    keys: await loadKeySet(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    scope: 'system/*.rs',
  })
  app = createExportApp({ backend, group })
  origin = await app.listen({ host: '127.0.0.1', port: 0 })
  sandbox.registerClient({ clientId: 'cohort-export', jwksUrl: `${origin}/.well-known/jwks.json` })
})
beforeEach(() => {
  sandbox.clearFaults()
  sandbox.clearRequests()
})
afterAll(async () => {
  await app.close()
  await sandbox.close()
})

async function startExport(): Promise<{ url: string; page: string }> {
  const browser = createUserAgent()
  const { url, status } = await browser.visit(`${origin}/exports`, { method: 'POST', body: new URLSearchParams() })
  expect(status).toBe(200)
  return { url, page: await (await fetch(url)).text() }
}

/** All events of an export, to its end. */
async function eventsOf(url: string): Promise<string> {
  return (await fetch(`${url}/events`)).text()
}

/** The server was asked once, and the app now waits. */
const firstStatus = () => vi.waitFor(() => expect(sandbox.requestsTo(/\/bulk\//)[0]?.status).toBe(202))

const cancelRequests = () => sandbox.requests.filter(({ method }) => method === 'DELETE')

describe('the app signs for itself', () => {
  it('serves its public keys, where the server looked for them, and no private part', async () => {
    await backend.context()
    const response = await fetch(`${origin}/.well-known/jwks.json`)
    expect(await response.json()).toEqual({
      keys: [
        {
          kty: 'EC',
          crv: 'P-384',
          alg: 'ES384',
          use: 'sig',
          kid: expect.any(String),
          x: expect.any(String),
          y: expect.any(String),
        },
      ],
    })
  })

  it('with one token for pages, exports and commands', async () => {
    const { accessToken } = await backend.context()
    const { url } = await startExport()
    await firstStatus()
    await fetch(`${url}/cancel`, { method: 'POST' })
    const sent = new Set(sandbox.requestsTo(/^\/fhir\//).map(({ headers }) => headers.authorization))
    expect(sent.has(`Bearer ${accessToken}`)).toBe(true)
    expect(sent.size).toBe(1)
  })
})

describe('an export on the page', () => {
  it('is told by events until all files are there, with their counts', async () => {
    const { url, page } = await startExport()
    expect(page).toContain('The server is at work.')
    const events = await eventsOf(url)
    expect(events.match(/<progress[^>]*value="\d+"/g)?.length).toBeGreaterThan(0)
    expect(events).toContain(`<td>Patient</td><td class="number">${sandbox.patients.length}</td>`)
    expect(events.endsWith('event: end\ndata:\n\n')).toBe(true)
    // Who comes late sees the end at once.
    const lastPage = await (await fetch(url)).text()

    // The files go to a browser that has no token.
    const path = /<td>Patient<\/td>.*?href="([^"]+)"/.exec(lastPage)?.[1]
    const file = await fetch(`${origin}${path}`)
    expect(file.headers.get('content-disposition')).toBe('attachment; filename="Patient.ndjson"')
    const lines = (await file.text()).trim().split('\n')
    expect(lines.map((line) => JSON.parse(line).id)).toEqual(sandbox.patients.map(({ id }) => id))
  })

  it('goes on when the server is too busy to answer for a while', async () => {
    const { url } = await startExport()
    await firstStatus()
    sandbox.fault({ at: 'fhir', kind: 'status', status: 503, headers: { 'retry-after': '1' }, times: 1 })
    expect(await eventsOf(url)).toContain('Download')
    expect(sandbox.requestsTo(/\/bulk\//).map(({ status }) => status)).toContain(503)
  })

  it('fails when the server does not say where to ask', async () => {
    sandbox.fault({ at: 'fhir', kind: 'status', status: 202, times: 1 })
    expect(await eventsOf((await startExport()).url)).toContain('The export failed.')
  })

  it('says why it failed, in the words of the server', async () => {
    const outcome = { resourceType: 'OperationOutcome', issue: [{ diagnostics: 'Out of <disk>.' }] }
    sandbox.fault({ at: 'fhir', kind: 'status', status: 500, body: JSON.stringify(outcome), times: 1 })
    const events = await eventsOf((await startExport()).url)
    expect(events).toContain('The FHIR server answered 500: Out of &#60;disk&#62;.')
  })

  it('is cancelled at the server too', async () => {
    const { url } = await startExport()
    await firstStatus()
    const cancelled = await fetch(`${url}/cancel`, { method: 'POST' })
    expect(await cancelled.text()).toContain('The export was cancelled.')
    expect(cancelRequests().map(({ status }) => status)).toEqual([202])
  })

  it('is cancelled when the app ends', async () => {
    const second = createExportApp({ backend, group })
    const address = await second.listen({ host: '127.0.0.1', port: 0 })
    await fetch(`${address}/exports`, { method: 'POST' })
    await firstStatus()
    await second.close()
    expect(cancelRequests()).toHaveLength(1)
  })

  it('is not started by the form of another site', async () => {
    const headers = { 'sec-fetch-site': 'cross-site' }
    expect((await fetch(`${origin}/exports`, { method: 'POST', headers })).status).toBe(403)
    expect(sandbox.requestsTo(/\$export/)).toEqual([])
  })

  it('is not started without a token, and the page says so', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    const stranger = createBackendServices({
      fhirBaseUrl: sandbox.fhirBaseUrl,
      clientId: 'nobody',
      keys: await loadKeySet(privateKey.export({ type: 'pkcs8', format: 'pem' })),
      scope: 'system/*.rs',
    })
    const other = createExportApp({ backend: stranger, group })
    onTestFinished(() => other.close())
    const response = await other.inject({ method: 'POST', url: '/exports' })
    expect([response.statusCode, response.json().code]).toEqual([502, 'token_request_refused'])
  })

  it('that nobody knows is not found', async () => {
    for (const path of ['', '/events', '/files/0']) {
      expect((await fetch(`${origin}/exports/none${path}`)).status).toBe(404)
    }
  })
})

describe('an export in the terminal', () => {
  async function run(terminal: Omit<Terminal, 'write'>, signal?: AbortSignal) {
    const folder = await mkdtemp(join(tmpdir(), 'fhir-auth-export-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    let text = ''
    const write = (part: string) => {
      text += part
    }
    const done = exportInTerminal(
      await backend.context(),
      { ...terminal, write },
      { group, folder, ...(signal && { signal }) },
    )
    return { folder, done, text: () => text }
  }

  it('draws a bar on a terminal, writes plain lines anywhere else, and saves each file', async () => {
    const onTerminal = await run({ isTTY: true })
    const { folder, done, text } = await run({ isTTY: false })
    await Promise.all([onTerminal.done, done])
    expect(onTerminal.text()).toMatch(/█░/)
    expect(text()).toContain('33%\n')
    expect(text()).not.toMatch(/[█░\r]/)
    const file = (await readdir(folder)).find((name) => name.endsWith('-Patient.ndjson'))
    const lines = (await readFile(join(folder, file ?? ''), 'utf8')).trim().split('\n')
    expect(lines).toHaveLength(sandbox.patients.length)
    expect(text()).toContain(`${sandbox.patients.length} Patient`)
  })

  it('is cancelled at the server too', async () => {
    const abort = new AbortController()
    const { done } = await run({}, abort.signal)
    const ended = expect(done).rejects.toThrow()
    await firstStatus()
    abort.abort()
    await ended
    expect(cancelRequests()).toHaveLength(1)
  })
})

describe.skipIf(!chromiumPath)('the page in Chromium', () => {
  it('shows progress up to the files, without a reload', async () => {
    const browser = await launchChromium()
    try {
      const page = await browser.newPage()
      await page.goto(origin)
      await page.getByRole('button', { name: 'Start an export' }).click()
      await page.locator('progress[value]').waitFor()
      const shown = Number(await page.locator('progress').getAttribute('value'))
      expect(shown).toBeGreaterThan(0)
      if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/export-running.png` })
      await page.evaluate('window.isFirstPage = true')
      const row = page.getByRole('row', { name: 'Patient' })
      await row.waitFor()
      expect(await row.getByRole('cell').nth(1).textContent()).toBe(String(sandbox.patients.length))
      expect(await page.evaluate('window.isFirstPage')).toBe(true)
      if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/export-complete.png` })
      await page.getByRole('link', { name: 'All exports' }).click()
      await page.getByRole('cell', { name: 'complete' }).first().waitFor()
      if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/export-list.png` })
    } finally {
      await browser.close()
    }
  }, 60_000)
})
