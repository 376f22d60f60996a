import { createCookieJar, type JarCookie } from './cookie-jar.ts'
import { findSandboxForm } from './sandbox-form.ts'

export interface SignInChoice {
  /** Id of the patient to pick. Default: the first one. */
  patient?: string | undefined
  /** Refuses on the consent page. */
  deny?: boolean | undefined
}

/** A person's browser, without a browser. */
export interface UserAgent {
  readonly history: readonly { method: string; url: string; status: number; location: string | undefined }[]
  readonly cookies: readonly JarCookie[]
  /** One request with the jar's cookies; redirects are not followed. */
  request(url: string | URL, init?: RequestInit): Promise<Response>
  /** Follows redirects, at most 20. */
  visit(url: string | URL, init?: RequestInit): Promise<Response>
  /** Follows redirects, signs in and consents on the sandbox's pages, and stops at the first page that is another's. */
  signIn(url: string | URL, choice?: SignInChoice): Promise<Response>
}

const mostRedirects = 20
const redirectStatuses = new Set([301, 302, 303, 307, 308])

export function createUserAgent(): UserAgent {
  const jar = createCookieJar()
  const history: { method: string; url: string; status: number; location: string | undefined }[] = []

  async function send(target: string | URL, init: RequestInit, initiator?: URL): Promise<Response> {
    const url = new URL(target)
    const headers = new Headers(init.headers)
    const cookies = jar.headerFor(url, init.method ?? 'GET', initiator)
    if (cookies !== undefined) headers.set('cookie', cookies)
    if (!headers.has('accept')) headers.set('accept', 'text/html,application/xhtml+xml,*/*;q=0.8')
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    jar.store(url, response.headers.getSetCookie())
    const location = response.headers.get('location') ?? undefined
    history.push({ method: init.method ?? 'GET', url: url.href, status: response.status, location })
    return response
  }

  async function follow(target: string | URL, init: RequestInit, initiator?: URL): Promise<Response> {
    let response = await send(target, init, initiator)
    let next = init
    for (let redirects = 0; redirectStatuses.has(response.status); redirects += 1) {
      const location = response.headers.get('location')
      if (location === null) return response
      if (redirects === mostRedirects)
        throw new Error(
          `more than ${mostRedirects} redirects, the last one to ${new URL(location, response.url).origin}`,
        )
      await response.body?.cancel()
      // Fetch standard: 307 and 308 repeat the request, the others become GET.
      if (response.status !== 307 && response.status !== 308) next = withoutBody(next)
      response = await send(new URL(location, response.url), next, initiator)
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
    async signIn(target, { patient, deny = false } = {}) {
      let response = await follow(target, {})
      for (;;) {
        if (!response.headers.get('content-type')?.startsWith('text/html')) return response
        const form = findSandboxForm(await response.clone().text())
        if (!form) return response
        if (patient !== undefined && form.fields.has('patient')) {
          if (!form.choices.includes(patient)) throw new Error(`the sandbox has no patient ${patient}`)
          form.fields.set('patient', patient)
        }
        if (form.asksForDecision) form.fields.set('decision', deny ? 'deny' : 'allow')
        const page = new URL(response.url)
        response = await follow(new URL(form.action, page), { method: 'POST', body: form.fields }, page)
      }
    },
  }
}

function withoutBody({ headers, signal }: RequestInit): RequestInit {
  const kept = new Headers(headers)
  for (const name of ['content-type', 'content-length']) kept.delete(name)
  return { headers: kept, ...(signal ? { signal } : {}) }
}
