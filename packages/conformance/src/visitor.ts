import { createUserAgent, type SignInChoice, type UserAgent } from '@fhir-auth/sandbox'

/** An answer of the app, its body read. */
export interface AppAnswer {
  status: number
  headers: Headers
  text: string
  /** The body as JSON. Fails the test if it is not JSON. */
  json<T = Record<string, unknown>>(): T
  /** The target of the redirect, as a whole URL. Fails the test if it is not a redirect. */
  location: URL
}

/** A request of a script or a program, which is not a navigation. */
const PROGRAM_HEADERS = { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }

/** One browser (or program) in front of the app; paths are below the app's mount path. */
export class Visitor {
  readonly agent: UserAgent = createUserAgent()
  readonly #base: string

  /** @param base - the app's origin and mount path */
  constructor(base: string) {
    this.#base = base
  }

  /** Opens a page; redirects are not followed. */
  async open(path: string, init: RequestInit = {}): Promise<AppAnswer> {
    return readAnswer(await this.agent.request(this.urlOf(path), init))
  }

  /** Sends a request as a script does. */
  ask(path: string, init: RequestInit = {}): Promise<AppAnswer> {
    return this.open(path, { ...init, headers: { ...PROGRAM_HEADERS, ...headersOf(init) } })
  }

  /** Opens a page, and logs in if it leads to the login. */
  async logIn(path = '/login', choice: SignInChoice = {}): Promise<AppAnswer> {
    return readAnswer(await this.agent.signIn(this.urlOf(path), choice))
  }

  /** Logs in as far as the redirect to the app's callback, which is returned and not yet opened. */
  async logInUntilCallback(path = '/login', choice: SignInChoice = {}): Promise<URL> {
    const { stopBefore = `${this.#base}/callback` } = choice
    const { location } = await readAnswer(await this.agent.signIn(this.urlOf(path), { ...choice, stopBefore }))
    return location
  }

  /** Posts the app's logout form as a browser does. */
  logOut(init: RequestInit = { headers: { origin: new URL(this.#base).origin } }): Promise<AppAnswer> {
    return this.open('/logout', { method: 'POST', body: new URLSearchParams({ a: 'form' }), ...init })
  }

  /** The `Cookie` header that this browser would send now. */
  get cookieHeader(): string {
    return this.agent.cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
  }

  get sessionCookie(): string | undefined {
    return this.agent.cookies.find(({ name }) => name.endsWith('fhir-auth.session'))?.value
  }

  urlOf(path: string): string {
    return URL.canParse(path) ? path : this.#base + path
  }
}

async function readAnswer(response: Response): Promise<AppAnswer> {
  const text = await response.text()
  const { status, headers, url } = response
  return {
    status,
    headers,
    text,
    json: () => JSON.parse(text),
    get location() {
      const location = headers.get('location')
      if (location === null) throw new Error(`The answer ${status} has no Location: ${text.slice(0, 300)}`)
      return new URL(location, url)
    },
  }
}

function headersOf({ headers }: RequestInit): Record<string, string> {
  return Object.fromEntries(new Headers(headers))
}
