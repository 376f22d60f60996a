import { FhirAuthError } from '../errors.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'
import { shownText } from '../shared/shown-text.ts'

/** The URLs to which a token may be sent. */
export interface TokenArea {
  readonly fhirBaseUrl: string
  /** `tokenUrls` of the registration. Called only for a URL that is not under the FHIR base. */
  readonly tokenUrls: () => MaybePromise<readonly string[]>
}

/** More than any server or proxy decodes a path. */
const MAX_DECODINGS = 5
/** A segment that some server may read as `.` or `..`: alone, or before a character that ends a segment there. */
const DOT_SEGMENT = /^\s*\.{1,2}(?:$|[^\w-])/
const CONTROL = /\p{Cc}/u

/**
 * The absolute URL for a call of `fhir.fetch`.
 *
 * @throws `url_outside_fhir_base` for a URL that must not get the token
 */
export async function resolveFhirUrl(url: string | URL, area: TokenArea): Promise<URL> {
  const { fhirBaseUrl } = area
  const directory = fhirBaseUrl.endsWith('/') ? fhirBaseUrl : `${fhirBaseUrl}/`
  const text = String(url)
  const target = parsed(text, directory)
  if (target && (await mayGetToken(target, area))) return target
  throw new FhirAuthError(
    'url_outside_fhir_base',
    `fhir.fetch only sends the token to URLs under ${fhirBaseUrl}, not to ${shownText(target ? target.origin + target.pathname : text)}. Use a path relative to it, such as "Patient/123". If the server also needs the token at another address, add that to tokenUrls of the registration. Otherwise use the global fetch, without the token.`,
  )
}

function parsed(text: string, directory: string): URL | undefined {
  try {
    return new URL(text, directory)
  } catch {
    return undefined
  }
}

/** Whether a URL may get the token: it is under the FHIR base or under one of `tokenUrls`. */
export async function mayGetToken(url: URL, { fhirBaseUrl, tokenUrls }: TokenArea): Promise<boolean> {
  return isUnderBase(url, fhirBaseUrl) || (await tokenUrls()).some((base) => isUnderBase(url, base))
}

/**
 * Whether a URL is below the base as a folder: `/fhir-evil` is not under `/fhir`. The URL parser has already resolved plain dot
 * segments. A path in which a server or proxy may still find dot segments does not count as under the base.
 */
export function isUnderBase(url: URL, baseUrl: string): boolean {
  const base = new URL(baseUrl)
  if (url.origin !== base.origin || url.username !== '' || url.password !== '') return false
  const folder = base.pathname.endsWith('/') ? base.pathname : `${base.pathname}/`
  if (`${url.pathname}/` === folder) return true
  return url.pathname.startsWith(folder) && isPlainPath(url.pathname.slice(folder.length))
}

/** Whether no server can find a dot segment in the path, however often it decodes it, and whichever slash it accepts. */
function isPlainPath(path: string): boolean {
  if (/^[\w$/-]*$/.test(path)) return true // as almost all are: nothing to decode, and no dot
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

/** Decodes once. A percent sign that is not an escape is an error in the original URL; after decoding it may be plain text. */
function decodeOnce(text: string, round: number): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return round === 0 || /%[\da-fu]/i.test(text) ? undefined : text
  }
}
