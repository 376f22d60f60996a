import type { OAuthErrorFields } from '../errors.ts'
import { shownText } from '../shared/shown-text.ts'
import { withoutSecrets } from './without-secrets.ts'

/**
 * The OAuth error in a response's members, made fit for messages: texts are shortened to one line, `error_uri` must be an
 * http(s) URL, secrets are removed. `null` members (Epic) count as absent.
 *
 * @param secrets - values that were sent and must not come back in a message
 */
export function oauthErrorOf(
  members: Readonly<Record<string, unknown>>,
  secrets: readonly string[] = [],
): OAuthErrorFields | undefined {
  const { error, error_description, error_uri } = members
  if (typeof error !== 'string' || error === '') return undefined
  const fields: OAuthErrorFields = { error: REGISTERED.has(error) ? error : safeText(error, secrets, 80) }
  if (typeof error_description === 'string' && error_description !== '') {
    fields.error_description = safeText(error_description, secrets)
  }
  const link = httpLink(error_uri)
  // Without its secrets it may not be a link any more.
  const safe = httpLink(link && withoutSecrets(link, secrets))
  if (safe) fields.error_uri = safe
  return fields
}

/** Error codes of RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1 and RFC 7009 §2.2.1. They are always shown, even if a secret contains one. */
const REGISTERED: ReadonlySet<string> = new Set([
  ...['invalid_request', 'invalid_client', 'invalid_grant', 'unauthorized_client', 'unsupported_grant_type'],
  ...['invalid_scope', 'access_denied', 'unsupported_response_type', 'server_error', 'temporarily_unavailable'],
  ...['invalid_token', 'insufficient_scope', 'unsupported_token_type'],
])

/** Longer texts are cut before they are searched for secrets. Only their beginning is shown anyway. */
const MAX_CHARACTERS = 2000

/** A server's text, made fit for a message: short, one line, without secrets. */
export function safeText(text: string, secrets: readonly string[], maxLength?: number): string {
  return shownText(withoutSecrets(text.slice(0, MAX_CHARACTERS), secrets), maxLength)
}

function httpLink(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > MAX_CHARACTERS || !URL.canParse(value)) return undefined
  const { protocol, href } = new URL(value)
  return /^https?:$/.test(protocol) ? href : undefined
}

/** The error as part of a sentence. */
export function oauthReason({ error, error_description }: OAuthErrorFields): string {
  return error_description ? `${error} (${error_description.trimEnd().replace(/\.$/, '')})` : error
}
