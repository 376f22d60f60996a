import { createCookieJar, type JarCookie } from './cookie-jar.ts'
import { sendNavigation } from './navigation-request.ts'
import { findSandboxForm } from './sandbox-form.ts'

export interface SignInChoice {
  /** Id of the patient to pick. Default: the first one. */
  patient?: string | undefined
  /** Who signs in, such as `Practitioner/juniper-stethwick`. Default: the patient. */
  user?: string | undefined
  /** Refuses on the consent page. */
  deny?: boolean | undefined
  /** Stops at a redirect to a URL that begins with this, such as the app's callback, and returns that redirect. */
  stopBefore?: string | undefined
}

/** One answer that the browser got. */
export interface Visit {
  method: string
  url: string
  status: number
  location: string | undefined
  headers: Headers
  body: string
}

/** A simulated browser. By default it sends the headers of a browser that opens a page. */
export interface UserAgent {
  readonly history: readonly Visit[]
  readonly cookies: readonly JarCookie[]
  /** One request with the jar's cookies, unless `init` has a `cookie` header; redirects are not followed. */
  request(url: string | URL, init?: RequestInit): Promise<Response>
  /** Follows redirects, at most 20. */
  visit(url: string | URL, init?: RequestInit): Promise<Response>
  /** Follows redirects, signs in and consents on the sandbox's pages, and stops at the first page that is not the sandbox's. */
  signIn(url: string | URL, choice?: SignInChoice): Promise<Response>
}

const mostRedirects = 20
const redirectStatuses = new Set([301, 302, 303, 307, 308])

export function createUserAgent(): UserAgent {
  const jar = createCookieJar()
  const history: Visit[] = []

  async function send(target: string | URL, init: RequestInit, initiator?: URL): Promise<Response> {
    const url = new URL(target)
    const headers = new Headers(init.headers)
    const cookies = jar.headerFor(url, init.method ?? 'GET', initiator)
    if (cookies !== undefined && !headers.has('cookie')) headers.set('cookie', cookies)
    const { response, body } = await sendNavigation(url, { ...init, headers })
    jar.store(url, response.headers.getSetCookie())
    const location = response.headers.get('location') ?? undefined
    const { status } = response
    history.push({ method: init.method ?? 'GET', url: url.href, status, location, headers: response.headers, body })
    return response
  }

  async function follow(
    target: string | URL,
    init: RequestInit,
    initiator?: URL,
    stopBefore?: string,
  ): Promise<Response> {
    let response = await send(target, init, initiator)
    let next = init
    for (let redirects = 0; redirectStatuses.has(response.status); redirects += 1) {
      const location = response.headers.get('location')
      if (location === null) return response
      const destination = new URL(location, response.url)
      if (stopBefore !== undefined && destination.href.startsWith(stopBefore)) return response
      if (redirects === mostRedirects)
        throw new Error(`more than ${mostRedirects} redirects, the last one to ${destination.origin}`)
      // Fetch standard: 307 and 308 repeat the request, the others become GET.
      if (response.status !== 307 && response.status !== 308) next = withoutBody(next)
      response = await send(destination, next, initiator)
    }
    return response
  }

  return {
    history,
    get cookies() {
      return jar.cookies
    },
    request: (url, init = {}) => send(url, init),
    visit: (url, init = {}) => follow(url, init),
    async signIn(target, { patient, user, deny = false, stopBefore } = {}) {
      let response = await follow(target, {}, undefined, stopBefore)
      for (;;) {
        if (!response.headers.get('content-type')?.startsWith('text/html')) return response
        const form = findSandboxForm(await response.clone().text())
        if (!form) return response
        if (patient !== undefined && form.fields.has('patient')) {
          if (!form.choices.includes(patient)) throw new Error(`the sandbox has no patient ${patient}`)
          form.fields.set('patient', patient)
        }
        if (user !== undefined && form.fields.has('patient')) form.fields.set('user', user)
        if (form.asksForDecision) form.fields.set('decision', deny ? 'deny' : 'allow')
        const page = new URL(response.url)
        response = await follow(new URL(form.action, page), { method: 'POST', body: form.fields }, page, stopBefore)
      }
    },
  }
}

function withoutBody({ headers, signal }: RequestInit): RequestInit {
  const kept = new Headers(headers)
  for (const name of ['content-type', 'content-length']) kept.delete(name)
  return { headers: kept, ...(signal ? { signal } : {}) }
}
