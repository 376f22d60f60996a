import { errorOf, FhirClientError, type Problem } from './fhir-client-error.ts'
import { launchIdOfPage, ownHeaders } from './launch-id.ts'
import { withReturnTo } from './with-return-to.ts'

/** Options of {@link createFhirClient}. */
export interface FhirClientOptions {
  /** Where the proxy is. Default `/fhir`. */
  baseUrl?: string | undefined
  /** Which of the launches in this browser. Default: `launch_id` of the page's address. Better: `launchId` of `readSession()`. */
  launchId?: string | undefined
  /**
   * Called when the session has ended, with the problem; its `loginUrl` leads back to this page. Default: goes there at once,
   * which loses what a form holds.
   */
  onLoginRequired?: ((problem: Problem) => void) | undefined
  /** Default: the browser's. */
  fetch?: typeof fetch | undefined
}

/** Of `search()`. */
export interface SearchInit extends RequestInit {
  /** More pages than this are an error. Default 100. */
  maxPages?: number | undefined
}

/** FHIR for a page. All URLs are relative to the proxy, such as `Patient/1`, or links that it has given. */
export interface FhirClient {
  /**
   * The JSON of an answer; undefined if it has no body, as some servers answer a create.
   *
   * @throws FhirClientError if the answer is not 2xx, or the URL leads elsewhere
   */
  get<T>(url: string, init?: RequestInit): Promise<T>
  /**
   * The resources of all pages of a search, included ones too. Each page is asked for when it is needed.
   *
   * @throws FhirClientError as `get()`, and with the code `too_many_pages`
   */
  search<T>(url: string, init?: SearchInit): AsyncGenerator<T, void, undefined>
  /**
   * The browser's `fetch` with what the proxy needs. Answers are not judged, but a session that has ended is told to
   * `onLoginRequired`.
   *
   * @throws FhirClientError with the code `outside_proxy` if the URL leads elsewhere
   */
  fetch(url: string, init?: RequestInit): Promise<Response>
}

interface Bundle {
  readonly link?: readonly { readonly relation: string; readonly url: string }[]
  readonly entry?: readonly { readonly resource?: unknown; readonly search?: { readonly mode?: string } }[]
}

/** A client for the FHIR proxy of the app's own server. There is no token in it. */
export function createFhirClient(options: FhirClientOptions = {}): FhirClient {
  const { launchId = launchIdOfPage(), onLoginRequired = goTo, fetch: send = globalThis.fetch } = options
  const root = new URL(options.baseUrl ?? '/fhir', location.href).href.replace(/\/+$/, '')

  async function ask(url: string, init: RequestInit = {}): Promise<Response> {
    const target = new URL(url, `${root}/`).href
    if (target !== root && !target.startsWith(`${root}/`) && !target.startsWith(`${root}?`)) {
      throw new FhirClientError(0, { code: 'outside_proxy', detail: `This is not a URL of the FHIR proxy at ${root}.` })
    }
    const headers = ownHeaders(init.headers, launchId)
    if (!headers.has('accept')) headers.set('accept', 'application/fhir+json')
    if (typeof init.body === 'string' && !headers.has('content-type')) {
      headers.set('content-type', 'application/fhir+json')
    }
    // Another origin's proxy needs the cookie too; its server says which pages may ask.
    const response = await send(target, { credentials: 'include', ...init, headers })
    if (response.status === 401 && response.headers.get('content-type')?.startsWith('application/problem+json')) {
      onLoginRequired(withWayBack(await response.clone().json(), root))
    }
    return response
  }

  async function get<T>(url: string, init?: RequestInit): Promise<T> {
    const response = await ask(url, init)
    if (!response.ok) throw await errorOf(response)
    const text = await response.text()
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  async function* search<T>(url: string, { maxPages = 100, ...init }: SearchInit = {}): AsyncGenerator<T, void> {
    let next: string | undefined = url
    for (let page = 0; next !== undefined; page++) {
      if (page === maxPages) {
        throw new FhirClientError(0, { code: 'too_many_pages', detail: `The search has more than ${maxPages} pages.` })
      }
      const bundle: Bundle = await get(next, init)
      for (const { resource, search } of bundle.entry ?? []) {
        // Not a result, but a remark of the server about the search.
        if (resource !== undefined && search?.mode !== 'outcome') yield resource as T
      }
      next = bundle.link?.find(({ relation }) => relation === 'next')?.url
    }
  }

  return { get, search, fetch: ask }
}

/** Only a login of the proxy's own server counts. */
function withWayBack({ loginUrl, ...problem }: Problem, root: string): Problem {
  const login = loginUrl === undefined ? undefined : new URL(loginUrl, root)
  if (login?.origin !== new URL(root).origin) return problem
  return { ...problem, loginUrl: withReturnTo(login.href) }
}

function goTo({ loginUrl }: Problem): void {
  if (loginUrl !== undefined) location.assign(loginUrl)
}
