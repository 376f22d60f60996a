import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { isLoopbackHost } from '../accepted-host.ts'
import { type Answer, jsonAnswer, sendAnswer } from '../answer.ts'
import { readBasic } from '../basic-header.ts'
import { decodeJwt } from '../client-assertion-rules.ts'
import type { FaultSwitches } from '../faults.ts'
import type { IncomingCall } from '../http-hosts.ts'
import type { RecordedRequest } from '../request-record.ts'
import type { SandboxState } from '../sandbox-state.ts'
import { describeStep } from './describe-step.ts'
import { type Exchange, watchAnswer } from './exchange.ts'
import { FaultButtons } from './fault-buttons.ts'
import { Flows } from './flows.ts'
import { SecretNames } from './secret-names.ts'
import type { Step } from './step.ts'
import { titleOf } from './titles.ts'
import { Verdicts } from './verdicts.ts'

/** The page has the last steps, not all. */
const MOST_STEPS = 300
const MOST_VIEWERS = 20
/** Of what waits for a page that does not read, in bytes. */
const MOST_WAITING = 4 * 1024 * 1024

const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/**
 * A page that shows each step of a flow as it happens: at `{issuer}/inspector`. It has no secrets, and only this machine can
 * open it.
 */
export class Inspector {
  readonly #names = new SecretNames()
  readonly #flows = new Flows()
  readonly #verdicts: Verdicts
  readonly #buttons: FaultButtons
  readonly #steps: Step[] = []
  readonly #viewers = new Set<ServerResponse>()
  readonly #clients: SandboxState['clients']
  #count = 0

  constructor(state: SandboxState, faults: FaultSwitches) {
    this.#clients = state.clients
    this.#verdicts = new Verdicts(state)
    this.#buttons = new FaultButtons(faults)
  }

  /** Whether a request is for the inspector itself. */
  handles({ host, path }: Pick<RecordedRequest, 'host' | 'path'>): boolean {
    return host === 'auth' && (path === '/inspector' || path.startsWith('/inspector/'))
  }

  /** Notes a request of an app or a browser, and its answer. */
  watch({ recorded, response }: IncomingCall): void {
    watchAnswer(recorded, response, (exchange) => {
      try {
        this.#add(exchange)
      } catch (error) {
        // Nobody waits for it: thrown here, it would end the sandbox.
        process.emitWarning(`a step cannot be shown: ${error instanceof Error ? error.message : error}`)
      }
    })
  }

  /** Answers a request for the inspector. */
  answer({ recorded, message, response }: IncomingCall): void {
    const refusal = refuse(recorded, message.socket.remoteAddress)
    if (refusal) sendAnswer(response, refusal)
    else if (recorded.path === '/inspector/events') this.#stream(response)
    else if (recorded.path.startsWith('/inspector/faults/')) sendAnswer(response, this.#toggle(recorded))
    else sendAnswer(response, file(recorded.path))
  }

  #add(exchange: Exchange): void {
    const { request } = exchange
    for (const id of this.#clients.ids()) {
      const secret = this.#clients.find(id)?.clientSecret
      if (secret !== undefined) this.#names.nameOf('client secret', secret)
    }
    const flow = this.#flows.of(exchange, clientIdOf(request))
    const verdicts = this.#verdicts.of(exchange, flow)
    const described = describeStep(exchange, this.#names, { id: ++this.#count, flow, title: titleOf(request) })
    const shown = verdicts.map((verdict) => ({ ...verdict, text: this.#names.hide(verdict.text) }))
    const step = { ...described, verdicts: shown }
    this.#steps.push(step)
    if (this.#steps.length > MOST_STEPS) this.#steps.shift()
    for (const viewer of this.#viewers) sendEvent(viewer, 'step', step)
  }

  #stream(response: ServerResponse): void {
    const [oldest] = this.#viewers
    if (this.#viewers.size >= MOST_VIEWERS) oldest?.destroy()
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    this.#viewers.add(response)
    response.once('close', () => this.#viewers.delete(response))
    sendEvent(response, 'faults', this.#buttons.states())
    for (const step of this.#steps) sendEvent(response, 'step', step)
  }

  #toggle({ path, method }: RecordedRequest): Answer {
    if (method !== 'POST') return { ...textAnswer(405, 'Use POST.'), headers: { allow: 'POST' } }
    if (!this.#buttons.toggle(path.slice('/inspector/faults/'.length)))
      return textAnswer(404, 'There is no such fault.')
    const states = this.#buttons.states()
    for (const viewer of this.#viewers) sendEvent(viewer, 'faults', states)
    return jsonAnswer(200, states)
  }
}

/** Other machines, other sites and pages with another name for this address get nothing. */
function refuse({ method, headers }: RecordedRequest, address = ''): Answer | undefined {
  const isLocal = /^(?:::ffff:)?127\.|^::1$/.test(address) && isLoopbackHost(headers.host)
  if (!isLocal)
    return textAnswer(403, 'The inspector answers only on the machine that it runs on, at a loopback address.')
  // A page of another site could not read it, but could open so many that others get none.
  if (/^(?:cross|same)-site$/.test(headers['sec-fetch-site'] ?? '') && headers['sec-fetch-mode'] !== 'navigate') {
    return textAnswer(403, 'Only the page of the inspector may ask for this.')
  }
  const isOwnPage = headers.origin === `http://${headers.host}`
  if (method === 'POST' && !isOwnPage) return textAnswer(403, 'Only the page of the inspector may switch faults.')
  return undefined
}

const FILES: Readonly<Record<string, readonly [name: string, type: string]>> = {
  '/inspector': ['inspector.html', 'text/html; charset=utf-8'],
  '/inspector/inspector.js': ['inspector.js', 'text/javascript; charset=utf-8'],
  '/inspector/inspector.css': ['inspector.css', 'text/css; charset=utf-8'],
}

function file(path: string): Answer {
  const found = Object.hasOwn(FILES, path) ? FILES[path] : undefined
  if (found === undefined) return textAnswer(404, 'There is no such page.')
  const [name, type] = found
  return {
    status: 200,
    headers: {
      'content-type': type,
      'content-security-policy': CSP,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    },
    body: readFileSync(new URL(`../../assets/${name}`, import.meta.url), 'utf8'),
  }
}

function textAnswer(status: number, text: string): Answer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: `${text}\n` }
}

function sendEvent(viewer: ServerResponse, event: string, data: unknown): void {
  if (viewer.writableLength > MOST_WAITING) viewer.destroy()
  else viewer.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
}

function clientIdOf({ query, form, headers }: RecordedRequest): string | undefined {
  const subject = decodeJwt(form.get('client_assertion'))?.claims.sub
  const named = query.get('client_id') ?? form.get('client_id') ?? readBasic(headers.authorization)?.clientId
  return named ?? (typeof subject === 'string' ? subject : undefined)
}
