import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { sendAnswer } from './answer.ts'
import type { IncomingCall } from './http-hosts.ts'

export type FaultPoint =
  | 'smart-configuration'
  | 'openid-configuration'
  | 'metadata'
  | 'jwks'
  | 'authorize'
  | 'callback'
  | 'token'
  | 'revocation'
  | 'introspection'
  | 'fhir'

/** Something that goes wrong at one place, for the next `times` requests there (default: until cleared). */
export type SandboxFault = { at: FaultPoint; times?: number | undefined } & (
  | { kind: 'slow'; seconds: number }
  | { kind: 'status'; status: number; body?: string | undefined; headers?: Record<string, string> | undefined }
  /** The connection is cut. */
  | { kind: 'reset' }
  /** 200 with a web page. */
  | { kind: 'html' }
  | { kind: 'redirect'; location: string; status?: number | undefined }
  /** A body without an end, until the client hangs up. */
  | { kind: 'endless' }
  /** Changes the JSON answer, or returns another one (or a promise of it). */
  | { kind: 'json'; patch: (body: Record<string, unknown>) => unknown }
  /** At `callback` only: changes the parameters of the redirect back to the app. */
  | { kind: 'callback'; patch: (params: URLSearchParams) => void }
)

/** The faults that are switched on. */
export interface FaultSwitches {
  add: (fault: SandboxFault) => void
  /** Whether this very fault is still switched on. */
  has: (fault: SandboxFault) => boolean
  remove: (fault: SandboxFault) => void
  clear: () => void
  /** Takes the faults of one request at this point: every delay, and the first other fault. */
  take: (point: FaultPoint) => SandboxFault[]
}

export function createFaultSwitches(): FaultSwitches {
  let faults: { fault: SandboxFault; left: number }[] = []
  return {
    add(fault) {
      if ((fault.kind === 'callback') !== (fault.at === 'callback')) {
        throw new TypeError('a fault of kind callback is at callback, and no other kind is')
      }
      faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY })
    },
    has: (fault) => faults.some((entry) => entry.fault === fault),
    remove(fault) {
      faults = faults.filter((entry) => entry.fault !== fault)
    },
    clear() {
      faults = []
    },
    take(point) {
      const here = faults.filter(({ fault }) => fault.at === point)
      const delays = here.filter(({ fault }) => fault.kind === 'slow')
      const taken = [...delays, ...here.filter((entry) => !delays.includes(entry)).slice(0, 1)]
      for (const entry of taken) entry.left -= 1
      faults = faults.filter(({ left }) => left > 0)
      return taken.map(({ fault }) => fault)
    },
  }
}

/** Lets one fault happen. Returns true when it took the place of the answer. */
export async function applyFault(
  fault: SandboxFault,
  { response }: IncomingCall,
  closed: AbortSignal,
): Promise<boolean> {
  switch (fault.kind) {
    case 'slow':
      await sleep(fault.seconds * 1000, undefined, { ref: false, signal: closed }).catch(() => undefined)
      return response.destroyed
    case 'status':
      sendAnswer(response, {
        status: fault.status,
        headers: { 'content-type': 'application/json', ...fault.headers },
        body: fault.body ?? '',
      })
      return true
    case 'reset':
      response.socket?.resetAndDestroy()
      return true
    case 'html':
      sendAnswer(response, {
        status: 200,
        headers: { 'content-type': 'text/html' },
        body: '<!doctype html><title>Maintenance</title><p>Back soon.</p>',
      })
      return true
    case 'redirect':
      sendAnswer(response, { status: fault.status ?? 302, headers: { location: fault.location } })
      return true
    case 'endless':
      response.setHeader('content-type', 'application/json')
      await pipeline(Readable.from(endlessJson()), response).catch(() => undefined)
      return true
    case 'json':
      rewriteJson(response, fault.patch)
      return false
    case 'callback':
      return false
  }
}

function* endlessJson(): Generator<string> {
  yield '{"padding":"'
  for (const chunk = 'x'.repeat(64 * 1024); ; ) yield chunk
}

/** Changes the one piece of body that every answer of the sandbox ends with; an answer that is not JSON stays. */
function rewriteJson(response: IncomingCall['response'], patch: (body: Record<string, unknown>) => unknown): void {
  const end = response.end.bind(response)
  const rewrite = async (text: string): Promise<void> => {
    const body = parseObject(text)
    if (!body) return void end(text)
    const patched = (await patch(body)) ?? body
    response.removeHeader('content-length')
    end(JSON.stringify(patched))
  }
  response.end = ((chunk?: unknown) => {
    rewrite(Buffer.isBuffer(chunk) ? chunk.toString() : String(chunk ?? '')).catch((error: unknown) => {
      process.emitWarning(`a json fault failed: ${error instanceof Error ? error.message : error}`)
      response.destroy()
    })
    return response
  }) as typeof response.end // `end` has overloads; the sandbox's own handlers use this one
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : undefined // any object has string keys
  } catch {
    return undefined
  }
}

/** Changes the parameters of a redirect that leaves the sandbox, when it is about to be sent. */
export function rewriteCallback(
  response: IncomingCall['response'],
  isOwnUrl: (url: string) => boolean,
  takePatch: () => ((params: URLSearchParams) => void) | undefined,
): void {
  const end = response.end.bind(response)
  response.end = ((chunk?: unknown) => {
    const location = response.getHeader('location')
    if (typeof location === 'string' && !isOwnUrl(location)) {
      const patch = takePatch()
      if (patch) {
        const url = new URL(location)
        patch(url.searchParams)
        response.setHeader('location', url.href)
      }
    }
    return end(chunk)
  }) as typeof response.end // as above
}
