import { FhirAuthError } from '../errors.ts'
import { type OptionRule, optionalText } from '../options.ts'
import { shownText } from '../shared/shown-text.ts'
import { networkOf } from './network.ts'

/**
 * Checks that a URL is https, because secrets travel over TLS only. Plain http is allowed for a server on this machine
 * (RFC 8252 §8.3).
 *
 * @throws `insecure_url`
 */
export function checkSecureUrl(url: string, what: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (!parsed) {
    const message = `${what} is not an absolute URL: ${shownText(url)}. Write it with https:// and its host.`
    throw new FhirAuthError('insecure_url', message)
  }
  if (parsed.protocol === 'https:' || (parsed.protocol === 'http:' && networkOf(parsed.hostname) === 'loopback'))
    return parsed
  throw new FhirAuthError(
    'insecure_url',
    `${what} must be https (http only for localhost), but is ${shownUrl(url)}. Nothing was sent.`,
  )
}

/** An option that is a URL of a server, checked by {@link checkSecureUrl}. */
export const secureUrl: OptionRule<string | undefined> = (value, option) => {
  const url = optionalText(value, option)
  if (url !== undefined) checkSecureUrl(url, option)
  return url
}

/** Makes a URL fit for a message: without query, fragment and user information. */
export function shownUrl(url: string): string {
  if (!URL.canParse(url)) return shownText(url)
  const { protocol, host, pathname } = new URL(url)
  return shownText(`${protocol}//${host}${pathname}`)
}
