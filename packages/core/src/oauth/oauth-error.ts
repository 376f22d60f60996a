import type { OAuthErrorFields } from '../errors.ts'
import { shownText } from '../shared/shown-text.ts'

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
  const link = typeof error_uri === 'string' && URL.canParse(error_uri) ? new URL(error_uri) : undefined
  if (link && /^https?:$/.test(link.protocol)) fields.error_uri = withoutSecrets(link.href, secrets)
  return fields
}

/** The error as part of a sentence. */
export function oauthReason({ error, error_description }: OAuthErrorFields): string {
  return error_description ? `${error} (${error_description.trimEnd().replace(/\.$/, '')})` : error
}

/** Servers quote what they were sent; shorter values would blot out ordinary words. */
const SHORTEST_SECRET = 4

/** The text without secrets, in each spelling in which a request carries them. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  const spellings = secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .flatMap((secret) => [secret, encodeURIComponent(secret), new URLSearchParams([['', secret]]).toString().slice(1)])
    // The longest first: what is left of a secret after a part of it was found is still a secret.
    .sort((a, b) => b.length - a.length)
  return spellings.reduce((clean, spelling) => clean.replaceAll(spelling, '[secret]'), text)
}
