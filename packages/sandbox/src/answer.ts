import type { ServerResponse } from 'node:http'

/** An answer that the sandbox gives itself, without the authorization server. */
export interface Answer {
  status: number
  headers?: Record<string, string> | undefined
  body?: string | undefined
}

export const jsonAnswer = (status: number, body: object, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
})

export const redirectAnswer = (location: string): Answer => ({ status: 303, headers: { location } })

export function sendAnswer(response: ServerResponse, { status, headers = {}, body = '' }: Answer): void {
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.end(body)
}
