import type { Exchange } from './exchange.ts'

/** Which flow an exchange belongs to: found by what one step gives to the next. */
export class Flows {
  /** A state, an interaction, a code or a token, and its flow. */
  readonly #flows = new Map<string, string>()
  #logins = 0

  of({ request, headers, body }: Exchange, clientId: string | undefined): string {
    const { path, query, form } = request
    const params = request.method === 'POST' ? form : query
    const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
    const clues = [
      path === '/authorize' && params.has('state') ? `state ${clientId} ${params.get('state')}` : undefined,
      interactionOf(path),
      params.get('code') ?? undefined,
      params.get('refresh_token') ?? undefined,
      params.get('token') ?? undefined,
      bearer,
    ].filter((clue) => clue !== undefined)
    const known = clues.map((clue) => this.#flows.get(clue)).find((flow) => flow !== undefined)
    const flow = known ?? this.#newFlow(path, params.get('grant_type'), clientId)
    for (const clue of [...clues, ...givenBy(headers.location, body)]) this.#keep(clue, flow)
    return flow
  }

  #newFlow(path: string, grantType: string | null, clientId: string | undefined): string {
    if (path === '/authorize') return `Login ${++this.#logins}${clientId ? ` of ${clientId}` : ''}`
    if (grantType === 'client_credentials' && clientId) return `System ${clientId}`
    return 'Discovery and others'
  }

  #keep(clue: string, flow: string): void {
    if (flow === 'Discovery and others') return
    this.#flows.set(clue, flow)
    const [oldest] = this.#flows.keys()
    if (this.#flows.size > 2000 && oldest !== undefined) this.#flows.delete(oldest)
  }
}

/** What an answer hands out that leads to the next step. */
function givenBy(location: string | undefined, body: string): string[] {
  const given: (string | undefined)[] = []
  if (location !== undefined && URL.canParse(location, 'http://sandbox.invalid')) {
    const url = new URL(location, 'http://sandbox.invalid')
    given.push(interactionOf(url.pathname), url.searchParams.get('code') ?? undefined)
  }
  for (const [, token] of body.matchAll(/"(?:access|refresh)_token":"([^"]+)"/g)) given.push(token)
  return given.filter((clue) => clue !== undefined)
}

/** The id in `/interaction/…` and `/authorize/…`. */
function interactionOf(path: string): string | undefined {
  return /^\/(?:interaction|authorize)\/([\w-]+)/.exec(path)?.[1]
}
