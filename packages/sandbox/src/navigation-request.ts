import { request as requestOverHttp } from 'node:http'
import { request as requestOverHttps } from 'node:https'

/** The headers of a browser when a person opens a page or follows a link (Fetch Metadata Request Headers). */
const navigationHeaders = {
  accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
  'sec-fetch-dest': 'document',
  'sec-fetch-mode': 'navigate',
}

/**
 * Sends a request as a browser does when it navigates. Node's `fetch` cannot: it always sends `sec-fetch-mode: cors` and drops
 * a `host` header. Redirects are not followed, and the given headers are sent unchanged.
 */
export async function sendNavigation(url: URL, init: RequestInit): Promise<{ response: Response; body: string }> {
  const draft = new Request(url, init)
  for (const [name, value] of Object.entries(navigationHeaders)) {
    if (!draft.headers.has(name)) draft.headers.set(name, value)
  }
  const sent = Buffer.from(await draft.arrayBuffer())
  if (init.body != null) draft.headers.set('content-length', String(sent.length))
  const { status, statusText, headers, body } = await exchange(url, draft, sent)
  const hasNoBody = status === 204 || status === 205 || status === 304
  const response = new Response(hasNoBody ? null : new Uint8Array(body), { status, statusText, headers })
  Object.defineProperty(response, 'url', { value: url.href })
  return { response, body: body.toString() }
}

function exchange(
  url: URL,
  { method, headers, signal }: Request,
  body: Buffer,
): Promise<{ status: number; statusText: string; headers: Headers; body: Buffer }> {
  const request = url.protocol === 'https:' ? requestOverHttps : requestOverHttp
  return new Promise((resolve, reject) => {
    // A separate connection, so that none is open when the server under test closes.
    const options = { method, headers: Object.fromEntries(headers), signal, agent: false }
    const outgoing = request(url, options, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.once('error', reject)
      incoming.once('end', () => {
        const received = new Headers()
        for (let index = 0; index < incoming.rawHeaders.length; index += 2) {
          received.append(incoming.rawHeaders[index] ?? '', incoming.rawHeaders[index + 1] ?? '')
        }
        const { statusCode: status = 0, statusMessage: statusText = '' } = incoming
        resolve({ status, statusText, headers: received, body: Buffer.concat(chunks) })
      })
    })
    outgoing.once('error', reject)
    outgoing.end(body)
  })
}
