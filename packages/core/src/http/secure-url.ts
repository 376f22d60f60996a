import { FhirAuthError } from '../errors.ts'
import { type OptionRule, optionalText } from '../options.ts'
import { shownText } from '../shared/shown-text.ts'
import { networkOf } from './network.ts'

/**
 * Secrets travel over TLS only; plain http is for a server on this machine (RFC 8252 §8.3 for loopback).
 *
 * @throws `insecure_url` when it is no https URL
 */
export function checkSecureUrl(url: string, what: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (!parsed) throw new FhirAuthError('insecure_url', `${what} is not an absolute URL: ${shownText(url)}`)
  if (parsed.protocol === 'https:' || (parsed.protocol === 'http:' && networkOf(parsed.hostname) === 'loopback'))
    return parsed
  throw new FhirAuthError(
    'insecure_url',
    `${what} must be https (http only for localhost), but is ${shownUrl(url)}. Nothing was sent.`,
  )
}

/** An option that is a URL of a server, as {@link checkSecureUrl} wants it. */
export const secureUrl: OptionRule<string | undefined> = (value, option) => {
  const url = optionalText(value, option)
  if (url !== undefined) checkSecureUrl(url, option)
  return url
}

/** A URL fit for a message: no query, no fragment, no user information. */
export function shownUrl(url: string): string {
  if (!URL.canParse(url)) return shownText(url)
  const { protocol, host, pathname } = new URL(url)
  return shownText(`${protocol}//${host}${pathname}`)
}
