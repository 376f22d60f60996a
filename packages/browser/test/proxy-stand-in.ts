import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bundleOf } from './bundle.ts'

/** Answers as the FHIR proxy does, and keeps what it was asked. */
export interface ProxyStandIn {
  readonly origin: string
  readonly requests: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[]
  /** Who is logged in; undefined: nobody. */
  session: { launchId: string; patient: string } | undefined
  close(): Promise<void>
}

const POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'"
const PAGE = '<!doctype html><title>App</title><script type="module" src="/app.js"></script>'

export async function startProxyStandIn(): Promise<ProxyStandIn> {
  const app = await bundleOf(`import * as all from '@fhir-auth/browser'; globalThis.fhirAuth = all`)
  const requests: ProxyStandIn['requests'] = []
  const server = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request
    let body = ''
    for await (const part of request.setEncoding('utf8')) body += part
    const { pathname, searchParams } = new URL(url, 'http://localhost')
    const send = (status: number, type: string, content: unknown) => {
      response.writeHead(status, {
        'content-type': type,
        'content-security-policy': POLICY,
        'cache-control': 'no-store',
      })
      response.end(typeof content === 'string' ? content : JSON.stringify(content))
    }
    if (pathname === '/app.js') return send(200, 'text/javascript', app)
    if (pathname === '/session' || pathname.startsWith('/fhir')) requests.push({ method, url, headers, body })
    if (pathname === '/session') {
      const { session } = standIn
      const known = session ? { loggedIn: true, ...session } : { loggedIn: false }
      return send(200, 'application/json', { ...known, loginUrl: '/login', proxyUrl: '/fhir' })
    }
    if (!pathname.startsWith('/fhir')) return send(200, 'text/html', PAGE)
    if (standIn.session === undefined) {
      const problem = { code: 'login_required', status: 401, title: 'Log in', detail: 'Nobody is logged in.' }
      return send(401, 'application/problem+json', { ...problem, loginUrl: '/login?returnTo=%2F' })
    }
    const json = (status: number, content: object) => send(status, 'application/fhir+json', content)
    if (method === 'POST' && headers.prefer === 'return=minimal') return send(201, 'text/plain', '')
    if (method === 'POST') return json(201, JSON.parse(body))
    if (pathname === '/fhir/Patient/1') return json(200, { resourceType: 'Patient', id: '1' })
    if (pathname === '/fhir/Observation') {
      const page = Number(searchParams.get('page') ?? 1)
      const entry = [{ resource: { resourceType: 'Observation', id: `o${page}` } }]
      const remark = { resource: { resourceType: 'OperationOutcome', issue: [] }, search: { mode: 'outcome' } }
      const link = page < 3 ? [{ relation: 'next', url: `/fhir/Observation?page=${page + 1}` }] : []
      return json(200, { resourceType: 'Bundle', entry: [...entry, remark], link })
    }
    if (pathname === '/fhir/Condition') {
      return json(200, { resourceType: 'Bundle', link: [{ relation: 'next', url: 'https://elsewhere.example/fhir' }] })
    }
    if (pathname === '/fhir/Encounter') {
      return json(200, { resourceType: 'Bundle', link: [{ relation: 'next', url: '/fhir/Encounter' }] })
    }
    const issue = [{ severity: 'error', code: 'not-found', diagnostics: 'There is no such patient.' }]
    return json(404, { resourceType: 'OperationOutcome', issue })
  })
  const standIn: ProxyStandIn = {
    origin: await listen(server),
    requests,
    session: undefined,
    close: () => new Promise((resolve) => server.close(() => resolve()).closeAllConnections()),
  }
  return standIn
}

function listen(server: Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  })
}
