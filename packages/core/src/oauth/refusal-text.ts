import type { HttpAnswer } from '../http/send-bounded.ts'

/** The OAuth members of a challenge, e.g. `Bearer error="invalid_token"` (RFC 6750 §3). */
export function challengeMembers(headers: Headers): Record<string, string> {
  const members: Record<string, string> = {}
  const challenge = headers.get('www-authenticate')?.slice(0, MAX_CHARACTERS) ?? ''
  for (const [, name = '', quoted, bare] of challenge.matchAll(PARAMETER)) {
    members[name.toLowerCase()] ??= quoted?.replace(/\\(.)/g, '$1') ?? bare ?? ''
  }
  return members
}

const PARAMETER = /\b(error|error_description|error_uri)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi

/** Only the beginning is ever shown, so no more is read. */
const MAX_CHARACTERS = 2000

/**
 * The human-readable text of a refusal without an OAuth error: a gateway's message, an OperationOutcome, problem details,
 * plain text, or the challenge. Never a web page, which is too long for a log line and may quote the request.
 *
 * @param body - the members of a JSON body; empty for any other
 */
export function refusalText(answer: HttpAnswer, body: Readonly<Record<string, unknown>>): string | undefined {
  const plain = /^text\/plain\b/i.test(answer.headers.get('content-type') ?? '') ? answer.body : undefined
  const texts = [...outcomeTexts(body), ...messageTexts(body), plain, answer.headers.get('www-authenticate')]
  return texts.map(textOf).find((text) => text !== undefined)
}

function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const text = value.slice(0, MAX_CHARACTERS).trim()
  return text === '' || text.startsWith('<') || text.startsWith('{') ? undefined : text
}

/** Members of problem details (RFC 9457), and of gateways' error messages. */
function messageTexts(body: Readonly<Record<string, unknown>>): unknown[] {
  const { error_description, message, Message, detail, title, errorMessage, fault, error } = body
  const inner = [membersOf(error).message, membersOf(fault).faultstring]
  return [error_description, message, Message, detail, title, errorMessage, ...inner]
}

function outcomeTexts({ resourceType, issue }: Readonly<Record<string, unknown>>): unknown[] {
  if (resourceType !== 'OperationOutcome' || !Array.isArray(issue)) return []
  return issue.slice(0, 3).flatMap((item) => {
    const { details, diagnostics, code } = membersOf(item)
    return [membersOf(details).text, diagnostics, code]
  })
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
}
