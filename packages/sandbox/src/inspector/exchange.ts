import type { ServerResponse } from 'node:http'
import type { RecordedRequest } from '../request-record.ts'

/** A request and its whole answer. */
export interface Exchange {
  readonly request: RecordedRequest
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly durationMs: number
}

/** Longer bodies are cut off: a Bundle is not what one learns SMART from. */
const MOST_CHARACTERS = 64 * 1024

/**
 * Tells of an answer when it has been sent. Begin before anything else changes the response, because then the last word that
 * is sent passes here.
 */
export function watchAnswer(
  request: RecordedRequest,
  response: ServerResponse,
  onAnswer: (exchange: Exchange) => void,
): void {
  let body = ''
  const keep = (chunk: unknown) => {
    const isText = typeof chunk === 'string' || chunk instanceof Uint8Array
    if (isText && body.length < MOST_CHARACTERS) body += String(Buffer.from(chunk as string)).slice(0, MOST_CHARACTERS)
  }
  const { write, end } = response
  response.write = ((...args: Parameters<typeof write>) => {
    keep(args[0])
    return write.apply(response, args)
  }) as typeof write // overloads
  response.end = ((...args: Parameters<typeof end>) => {
    keep(args[0])
    return end.apply(response, args)
  }) as typeof end // overloads
  response.once('close', () => {
    const headers = Object.fromEntries(
      Object.entries(response.getHeaders()).map(([name, value]) => [name, [value].flat().join('; ')]),
    )
    const status = response.headersSent ? response.statusCode : 0
    onAnswer({ request, status, headers, body, durationMs: Date.now() - request.time })
  })
}
