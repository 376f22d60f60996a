import type { IncomingMessage } from 'node:http'
import { type Answer, jsonAnswer } from './answer.ts'
import { readBasic } from './basic-header.ts'
import { decodeJwt } from './client-assertion-rules.ts'
import type { IncomingCall } from './http-hosts.ts'
import { inteliChartViolation } from './intelichart-rules.ts'
import type { SandboxClient } from './sandbox-options.ts'
import type { SandboxState } from './sandbox-state.ts'

/**
 * Prepares a client's request for the authorization server: fetches the client's keys, converts a raw Basic header, and checks
 * InteliChart's rules. Returns a refusal, or undefined to continue.
 */
export async function prepareClientRequest(state: SandboxState, call: IncomingCall): Promise<Answer | undefined> {
  const { message, recorded } = call
  const assertion = decodeJwt(recorded.form.get('client_assertion'))
  const claimed = assertion?.claims.sub ?? recorded.form.get('client_id') ?? undefined
  const basic = readBasic(message.headers.authorization)
  const client = state.clients.find(basic?.clientId ?? (typeof claimed === 'string' ? claimed : undefined))

  if (state.mode === 'intelichart' && recorded.path === '/token') {
    const violation = inteliChartViolation(recorded, client, state.fhirBaseUrl)
    if (violation) {
      const headers = violation.status === 401 ? { 'www-authenticate': 'Basic realm="sandbox"' } : undefined
      return refusal(violation.status, violation.error, violation.reason, headers)
    }
  }
  if (client && basic) acceptRawBasic(message, client)
  if (client && assertion) {
    const kid = typeof assertion.header.kid === 'string' ? assertion.header.kid : undefined
    try {
      await state.clients.loadKeys(client, kid)
    } catch (error) {
      return refusal(401, 'invalid_client', error instanceof Error ? error.message : 'the keys cannot be fetched')
    }
  }
  return undefined
}

const refusal = (status: number, error: string, reason: string, headers?: Record<string, string>): Answer =>
  jsonAnswer(status, { error, error_description: reason }, { 'cache-control': 'no-store', ...headers })

/**
 * RFC 6749 §2.3.1 form-encodes id and secret, SMART App Launch 2.2 "Symmetric" joins them as they are. The
 * authorization server decodes, so a header that fits literally is encoded for it.
 */
function acceptRawBasic(message: IncomingMessage, { clientId, clientSecret }: SandboxClient): void {
  const basic = readBasic(message.headers.authorization)
  if (basic?.clientId !== clientId || basic.clientSecret !== clientSecret) return
  const encoded = [basic.clientId, basic.clientSecret].map(encodeURIComponent).join(':')
  message.headers.authorization = `Basic ${Buffer.from(encoded).toString('base64')}`
}
