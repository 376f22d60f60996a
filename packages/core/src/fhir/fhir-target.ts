import { FhirAuthError } from '../errors.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'
import { shownText } from '../shared/shown-text.ts'

/** Where a token may go. */
export interface TokenArea {
  readonly fhirBaseUrl: string
  /** `tokenUrls` of the registration. Asked only about a URL that is not under the FHIR base. */
  readonly tokenUrls: () => MaybePromise<readonly string[]>
}

/** More rounds of decoding than any server or proxy on the way does. */
const MAX_DECODINGS = 5
/** A segment that some server reads as `.` or `..`: alone, or before a character that ends the segment there. */
const DOT_SEGMENT = /^\s*\.{1,2}(?:$|[^\w-])/
const CONTROL = /\p{Cc}/u

/**
 * The URL that `fhir.fetch` was asked for.
 *
 * @throws `url_outside_fhir_base` for one that must not get the token
 */
export async function resolveFhirUrl(url: string | URL, area: TokenArea): Promise<URL> {
  const { fhirBaseUrl } = area
  const directory = fhirBaseUrl.endsWith('/') ? fhirBaseUrl : `${fhirBaseUrl}/`
  const text = String(url)
  const target = URL.canParse(text, directory) ? new URL(text, directory) : undefined
  if (target && (await mayGetToken(target, area))) return target
  throw new FhirAuthError(
    'url_outside_fhir_base',
    `fhir.fetch only sends the token to URLs under ${fhirBaseUrl}, not to ${shownText(target ? target.origin + target.pathname : text)}. Write a path relative to it, such as "Patient/123". If this server wants the token at another address too, add that to tokenUrls of the registration. Otherwise use the global fetch, without the token.`,
  )
}

/** Whether a URL is under the FHIR base, or under another address that was registered to get the token. */
export async function mayGetToken(url: URL, { fhirBaseUrl, tokenUrls }: TokenArea): Promise<boolean> {
  return isUnderBase(url, fhirBaseUrl) || (await tokenUrls()).some((base) => isUnderBase(url, base))
}

/**
 * Below the base as a folder: `/fhir-evil` is not under `/fhir`. The URL parser has resolved plain dot segments before.
 * A path that a server or proxy may still read as one with dot segments is not under the base either.
 */
export function isUnderBase(url: URL, baseUrl: string): boolean {
  const base = new URL(baseUrl)
  if (url.origin !== base.origin || url.username !== '' || url.password !== '') return false
  const folder = base.pathname.endsWith('/') ? base.pathname : `${base.pathname}/`
  if (`${url.pathname}/` === folder) return true
  return url.pathname.startsWith(folder) && isPlainPath(url.pathname.slice(folder.length))
}

/** Whether no reader finds a dot segment in it, however often it decodes, and whichever slash it takes. */
function isPlainPath(path: string): boolean {
  let text = path
  for (let round = 0; round <= MAX_DECODINGS; round++) {
    const folded = text.normalize('NFKC') // full-width dots and slashes
    if (CONTROL.test(folded) || folded.split(/[/\\]/).some((segment) => DOT_SEGMENT.test(segment))) return false
    const decoded = decodeOnce(text, round)
    if (decoded === undefined) return false
    if (decoded === text) return true
    text = decoded
  }
  return false
}

/** Decodes once. A percent sign that is no escape is a fault in the URL; after decoding it may be plain text. */
function decodeOnce(text: string, round: number): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return round === 0 || /%[\da-fu]/i.test(text) ? undefined : text
  }
}
