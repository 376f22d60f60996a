import { withoutSecrets } from '@fhir-auth/core/internal'
import type { Exchange } from './recording-fetch.ts'

export interface Masking {
  /** Show tokens and the whole assertion. A client secret stays hidden. */
  readonly reveal: boolean
  /** Values that are never shown. */
  readonly secrets: readonly string[]
}

export interface ShownRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly form: Readonly<Record<string, string>>
}

export interface ShownAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** JSON as it came, its tokens hidden; else the beginning of the text. */
  readonly body: unknown
}

export interface ShownAssertion {
  readonly header: unknown
  readonly claims: unknown
  /** Only when revealed. */
  readonly compact?: string
}

const SHOWN_ANSWER_HEADERS = ['content-type', 'cache-control', 'date', 'retry-after', 'www-authenticate', 'location']
const SECRET_MEMBER = /token|secret|password|assertion|credential|^code$/i
const SECRET_IN_TEXT =
  /\b(access_token|refresh_token|id_token|client_secret|client_assertion|assertion|password)\b(["']?\s*[:=]\s*["']?)[^"'&\s<,}]+/gi
const HARMLESS_MEMBERS = ['token_type', 'issued_token_type', 'token_expires_in']
const MAX_TEXT_CHARACTERS = 500
/** More than is shown, because masked tokens make the text shorter. */
const MAX_READ_CHARACTERS = 20_000
/** A signed JWT: three parts of base64url. */
const SIGNED_JWT = /\beyJ[\w-]+\.[\w-]+\.[\w-]+/g

/** The request as sent, with its credentials hidden. */
export function shownRequest({ request }: Exchange, { reveal }: Masking): ShownRequest {
  const { method, url, body } = request
  const headers = { ...request.headers }
  if (headers.authorization !== undefined) headers.authorization = `${headers.authorization.split(' ')[0]} [not shown]`
  const form = Object.fromEntries(new URLSearchParams(body))
  if (form.client_secret !== undefined) form.client_secret = '[not shown]'
  if (form.client_assertion !== undefined && !reveal) form.client_assertion = '[shown above, without its signature]'
  return { method, url, headers, form }
}

/** Header and claims of the assertion that was sent. */
export function shownAssertion({ request }: Exchange, { reveal }: Masking): ShownAssertion | undefined {
  const compact = new URLSearchParams(request.body).get('client_assertion')
  const [header, claims] = compact?.split('.') ?? []
  if (compact === null || header === undefined || claims === undefined) return undefined
  const read = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString())
  return { header: read(header), claims: read(claims), ...(reveal && { compact }) }
}

/** Removes secrets from a text of the server, or of an error about it. */
export function createCleaner({ request, answer }: Exchange, { reveal, secrets }: Masking): (text: string) => string {
  const assertion = new URLSearchParams(request.body).get('client_assertion')
  const credentials = request.headers.authorization?.split(' ')[1]
  const always = [...secrets, ...(credentials === undefined ? [] : [credentials])]
  if (reveal) return (text) => withoutSecrets(text, always)
  const proof = assertion === null ? [] : [assertion, assertion.split('.')[2] ?? '']
  // The response may repeat a token in another member.
  const hidden = [...always, ...proof, ...tokensIn(parse(answer?.body ?? ''))]
  return (text) => withoutSecrets(text, hidden).replace(SIGNED_JWT, '[JWT, not shown]')
}

/** The answer, without tokens and without an echo of what was sent. */
export function shownAnswer(exchange: Exchange, masking: Masking): ShownAnswer | undefined {
  const { answer } = exchange
  if (answer === undefined) return undefined
  const clean = createCleaner(exchange, masking)
  const headers: Record<string, string> = {}
  for (const name of SHOWN_ANSWER_HEADERS) {
    const value = answer.headers.get(name)
    if (value !== null) headers[name] = clean(value)
  }
  const parsed = parse(answer.body)
  const body =
    parsed === undefined
      ? maskedText(clean(answer.body.slice(0, MAX_READ_CHARACTERS)), masking.reveal)
      : masked(parsed, clean, masking.reveal)
  return { status: answer.status, headers, body }
}

/** A page, a form, or broken JSON: its tokens cannot be found by the names of members. */
function maskedText(text: string, reveal: boolean): string {
  return (reveal ? text : text.replace(SECRET_IN_TEXT, '$1$2[not shown]')).slice(0, MAX_TEXT_CHARACTERS)
}

function masked(value: unknown, clean: (text: string) => string, reveal: boolean): unknown {
  if (typeof value === 'string') return clean(value)
  if (Array.isArray(value)) return value.map((item) => masked(item, clean, reveal))
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(([name, member]): [string, unknown] => {
    const hides = !reveal && isSecretMember(name) && typeof member === 'string'
    return [clean(name), hides ? `[not shown, ${member.length} characters]` : masked(member, clean, reveal)]
  })
  return Object.fromEntries(members)
}

function tokensIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) =>
    typeof member === 'string' ? (isSecretMember(name) ? [member] : []) : tokensIn(member),
  )
}

function isSecretMember(name: string): boolean {
  return SECRET_MEMBER.test(name) && !HARMLESS_MEMBERS.includes(name)
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
