import type { OAuthErrorFields } from '../errors.ts'
import { shownText } from '../http.ts'

/**
 * The OAuth error in a response's members, made fit to be shown: texts shortened to one line, `error_uri` only when it
 * is an http(s) URL, secrets blotted out. `null` members (Epic) count as absent.
 *
 * @param secrets - values that were sent and must not come back in a message
 */
export function oauthErrorOf(
  members: Readonly<Record<string, unknown>>,
  secrets: readonly string[] = [],
): OAuthErrorFields | undefined {
  const { error, error_description, error_uri } = members
  if (typeof error !== 'string' || error === '') return undefined
  const fields: OAuthErrorFields = { error: shownText(withoutSecrets(error, secrets), 80) }
  if (typeof error_description === 'string' && error_description !== '') {
    fields.error_description = shownText(withoutSecrets(error_description, secrets))
  }
  if (typeof error_uri === 'string' && URL.canParse(error_uri) && /^https?:/i.test(error_uri)) {
    fields.error_uri = withoutSecrets(error_uri, secrets)
  }
  return fields
}

/** Servers quote what they were sent; shorter values would blot out ordinary words. */
const SHORTEST_SECRET = 4

export function withoutSecrets(text: string, secrets: readonly string[]): string {
  let clean = text
  for (const secret of secrets) {
    if (secret.length < SHORTEST_SECRET) continue
    clean = clean.replaceAll(secret, '[secret]').replaceAll(encodeURIComponent(secret), '[secret]')
  }
  return clean
}
