import { FhirAuthError } from '../errors.ts'
import { accessOf, type FhirContext } from '../fhir/fhir-context.ts'
import { withToken } from '../fhir/fhir-fetch.ts'
import { isUnderBase, resolveFhirUrl } from '../fhir/fhir-target.ts'
import { joined, partsOf, streamOf } from '../http/byte-streams.ts'
import { createDispatchSender } from '../http/dispatch-sender.ts'
import { createFetchSender } from '../http/fetch-sender.ts'
import { urlHeaderValue } from '../http/header-value.ts'
import type { ServerAnswer } from '../http/sender.ts'
import type { StreamedAnswer, StreamedRequest } from '../web/adapter-contract.ts'
import { BundleLinks } from './bundle-links.ts'
import { acceptedCodings, acceptsGzip, codingOf, headersToPage, headersToServer, isJson } from './forwarded-headers.ts'
import type { FhirInteraction, Interaction } from './interaction.ts'
import type { OutgoingRequest } from './outgoing-request.ts'
import { Patience } from './patience.ts'

/** Answers up to this size are read whole: in one part they cost a page less time, and the server less work. */
const SMALL_BYTES = 64 * 1024
/** What may answer with a Bundle of the server's making. One that is stored keeps its URLs, for it may be signed. */
const WITH_LINKS: ReadonlySet<Interaction> = new Set(['search', 'history', 'operation', 'batch', 'page'])

interface Exchange {
  readonly interaction: FhirInteraction
  readonly request: StreamedRequest
  readonly context: FhirContext
  readonly outgoing: OutgoingRequest
  readonly publicPath: string
  readonly timeoutSeconds: number
}

/**
 * Sends a request to the FHIR server with the session's token, and streams the answer.
 *
 * @throws `timeout`, `network_error`, `session_ended`, and what `fhir.fetch` throws
 */
export async function forward(exchange: Exchange): Promise<StreamedAnswer> {
  const { request, context, publicPath, interaction, timeoutSeconds } = exchange
  const patience = new Patience(request, timeoutSeconds)
  const mayHaveLinks = WITH_LINKS.has(interaction.interaction)
  const answer = await send(exchange, mayHaveLinks, patience)
  const { status } = answer
  if (status === 401) {
    answer.discard()
    throw new FhirAuthError(
      'session_ended',
      'The FHIR server refused the token of this session. The person must log in again.',
    )
  }
  const toPage = (url: string) => proxyUrlOf(url, context.fhirBaseUrl, publicPath)
  const coding = codingOf(answer)
  const isRewritten = mayHaveLinks && isJson(answer) && (coding === undefined || coding === 'gzip')
  const mustDecode = coding === 'gzip' && (isRewritten || !acceptsGzip(request))
  const headers = headersToPage(answer, {
    coding: mustDecode ? undefined : coding,
    hasItsLength: !(answer.isDecoded || mustDecode || isRewritten),
  })
  for (const name of ['location', 'content-location']) {
    const value = locationOf(answer.header(name), toPage)
    if (value !== undefined) headers[name] = value
  }
  if (request.method === 'HEAD' || [204, 205, 304].includes(status)) {
    answer.discard()
    return { kind: 'stream', status, headers, cookies: [], body: undefined }
  }
  const links = isRewritten ? new BundleLinks(toPage) : undefined
  const whole = mustDecode ? undefined : answer.whole(SMALL_BYTES)
  if (whole !== undefined) {
    const bytes = whole instanceof Uint8Array ? whole : await patience.run(() => whole)
    const body = links ? joined([...links.push(bytes), ...links.end()]) : bytes
    headers['content-length'] = String(body.byteLength)
    return { kind: 'stream', status, headers, cookies: [], body }
  }
  const parts = timed(answer.parts(), patience)
  const readable = mustDecode ? partsOf(streamOf(parts).pipeThrough(new DecompressionStream('gzip'))) : parts
  return { kind: 'stream', status, headers, cookies: [], body: links ? rewritten(readable, links) : readable }
}

async function send(
  { request, context, outgoing: { target, body } }: Exchange,
  mayHaveLinks: boolean,
  patience: Patience,
): Promise<ServerAnswer> {
  const access = accessOf(context)
  const sender = createDispatchSender(access.send) ?? createFetchSender(access.send)
  const url = await resolveFhirUrl(target, access)
  const headers = headersToServer(request)
  // Who looks for links must be able to read the body. Any other body passes as it is.
  if (!sender.decodes) headers['accept-encoding'] = mayHaveLinks ? 'gzip' : acceptedCodings(request)
  const isStream = body !== undefined && !(body instanceof Uint8Array)
  return withToken(access.tokens, {
    send(token) {
      const { method } = request
      const { cancellation } = patience
      Object.assign(headers, { authorization: `Bearer ${token}` })
      const sent = { method, url, headers, body: isStream ? patience.paced(body) : body, cancellation }
      // Each request has its own time: a new token after a 401 may take longer.
      return patience.run(() => sender.send(sent))
    },
    isRefused: ({ status }) => status === 401 && !isStream,
    discard: (answer) => answer.discard(),
  })
}

/** The path through the proxy, for a URL below the FHIR base. */
export function proxyUrlOf(url: string, fhirBaseUrl: string, publicPath: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const target = new URL(url)
  if (!isUnderBase(target, fhirBaseUrl)) return undefined
  const { pathname } = new URL(fhirBaseUrl)
  const folder = pathname.endsWith('/') ? pathname : `${pathname}/`
  const rest = target.pathname.slice(folder.length)
  return `${publicPath}${rest === '' ? '' : `/${rest}`}${target.search}${target.hash}`
}

function locationOf(value: string | undefined, toPage: (url: string) => string | undefined): string | undefined {
  if (value === undefined) return undefined
  const through = toPage(value)
  if (through !== undefined) return urlHeaderValue(through)
  return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
    ? urlHeaderValue(new URL(value).href)
    : undefined
}

/** Reads a part only when the browser has taken the one before. */
async function* timed(parts: AsyncIterable<Uint8Array>, patience: Patience): AsyncGenerator<Uint8Array> {
  const iterator = parts[Symbol.asyncIterator]()
  const next = () => patience.run(() => iterator.next())
  try {
    for (let part = await next(); !part.done; part = await next()) yield part.value
  } finally {
    await iterator.return?.()
  }
}

async function* rewritten(parts: AsyncIterable<Uint8Array>, links: BundleLinks): AsyncGenerator<Uint8Array> {
  for await (const part of parts) {
    const changed = joined(links.push(part))
    if (changed.byteLength > 0) yield changed
  }
  const rest = joined(links.end())
  if (rest.byteLength > 0) yield rest
}
