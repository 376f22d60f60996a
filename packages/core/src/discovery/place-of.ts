/** Where a URL leads, in one spelling. */
export interface Place {
  readonly origin: string
  /** Origin and path. */
  readonly url: string
}

/** More than any server or proxy decodes a path. */
const MAX_DECODINGS = 5

/**
 * One spelling for all spellings of a URL that a server may take for the same: with a query or without, with escapes, path
 * parameters, empty or dot segments, in upper or lower case, and with a dot behind the host name. It is only for comparing
 * what must differ. Requests are sent to the URL as it was written.
 *
 * @param url - an absolute URL
 */
export function placeOf(url: string): Place {
  const { protocol, hostname, port, pathname } = new URL(url)
  const origin = `${protocol}//${hostname.replace(/\.$/, '')}:${port}`
  const segments: string[] = []
  for (const segment of decoded(pathname).toLowerCase().split(/[/\\]/)) {
    const [name = ''] = segment.split(';')
    if (name === '..') segments.pop()
    else if (name !== '' && name !== '.') segments.push(name)
  }
  return { origin, url: `${origin}/${segments.join('/')}` }
}

function decoded(path: string): string {
  let text = path
  for (let round = 0; round < MAX_DECODINGS; round++) {
    try {
      text = decodeURIComponent(text)
    } catch {
      break
    }
  }
  return text.normalize('NFKC')
}
