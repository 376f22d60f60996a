/** A cookie as a browser keeps it. */
export interface JarCookie {
  name: string
  value: string
  domain: string
  path: string
  secure: boolean
  httpOnly: boolean
  sameSite: string | undefined
  partitioned: boolean
}

export interface CookieJar {
  readonly cookies: readonly JarCookie[]
  /**
   * Value of the `Cookie` header for a top-level request, or undefined.
   * @param initiator the page that caused the request; undefined when the person typed the URL
   */
  headerFor: (url: URL, method: string, initiator: URL | undefined) => string | undefined
  store: (url: URL, setCookie: readonly string[]) => void
}

// Chromium treats loopback as secure: cookies with `Secure` are kept and sent there over http.
const isSecure = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' ||
  hostname === 'localhost' ||
  hostname.endsWith('.localhost') ||
  /^127\.|^\[::1\]$/.test(hostname)

// Scheme and the last two labels: close enough to a registrable domain for tests.
const siteOf = ({ protocol, hostname }: URL): string =>
  `${protocol}//${/^[\d.]+$|^\[/.test(hostname) ? hostname : hostname.split('.').slice(-2).join('.')}`

/** Without the attribute a cookie counts as Lax: sent along when a person follows a link, not when a form is posted. */
function isSentCrossSite(sameSite: string | undefined, method: string): boolean {
  const policy = sameSite?.toLowerCase()
  return policy === 'none' || (policy !== 'strict' && method === 'GET')
}

/** Cookies by host, path, Secure, SameSite and lifetime (RFC 6265 §5). They do not differ by port. */
export function createCookieJar(): CookieJar {
  let stored: { cookie: JarCookie; hostOnly: boolean; expiresAt: number }[] = []
  const live = () => stored.filter(({ expiresAt }) => expiresAt > Date.now())

  return {
    get cookies() {
      return live().map(({ cookie }) => cookie)
    },
    headerFor(url, method, initiator) {
      const crossSite = initiator !== undefined && siteOf(initiator) !== siteOf(url)
      const sent = live()
        .filter(({ cookie, hostOnly }) => {
          const hostFits = hostOnly ? url.hostname === cookie.domain : domainMatches(url.hostname, cookie.domain)
          if (crossSite && !isSentCrossSite(cookie.sameSite, method)) return false
          return hostFits && pathMatches(url.pathname, cookie.path) && (!cookie.secure || isSecure(url))
        })
        .sort((a, b) => b.cookie.path.length - a.cookie.path.length)
      return sent.length === 0 ? undefined : sent.map(({ cookie: { name, value } }) => `${name}=${value}`).join('; ')
    },
    store(url, setCookie) {
      for (const line of setCookie) {
        const entry = parseSetCookie(line, url)
        if (!entry) continue
        const { name, domain, path } = entry.cookie
        stored = stored.filter(({ cookie }) => cookie.name !== name || cookie.domain !== domain || cookie.path !== path)
        if (entry.expiresAt > Date.now()) stored.push(entry)
      }
    },
  }
}

const domainMatches = (host: string, domain: string): boolean => host === domain || host.endsWith(`.${domain}`)
const pathMatches = (path: string, prefix: string): boolean =>
  path === prefix || (path.startsWith(prefix) && (prefix.endsWith('/') || path[prefix.length] === '/'))

function parseSetCookie(
  line: string,
  url: URL,
): { cookie: JarCookie; hostOnly: boolean; expiresAt: number } | undefined {
  const [pair = '', ...rest] = line.split(';').map((part) => part.trim())
  const separator = pair.indexOf('=')
  if (separator < 1) return undefined
  const attributes = new Map(
    rest.map((part) => {
      const [name = '', ...value] = part.split('=')
      return [name.toLowerCase(), value.join('=')]
    }),
  )
  const name = pair.slice(0, separator)
  const domain = attributes.get('domain')?.replace(/^\./, '').toLowerCase()
  const path = attributes.get('path')
  const secure = attributes.has('secure')
  const sameSite = attributes.get('samesite')
  const partitioned = attributes.has('partitioned')

  // Refuse what a browser refuses, so that a test notices.
  if (domain && !domainMatches(url.hostname, domain)) return undefined
  if (secure && !isSecure(url)) return undefined
  if (!secure && (sameSite?.toLowerCase() === 'none' || partitioned || /^__(Secure|Host)-/.test(name))) return undefined
  if (name.startsWith('__Host-') && (domain || path !== '/')) return undefined

  return {
    cookie: {
      name,
      value: pair.slice(separator + 1),
      domain: domain || url.hostname,
      path: path?.startsWith('/') ? path : defaultPath(url.pathname),
      secure,
      httpOnly: attributes.has('httponly'),
      sameSite,
      partitioned,
    },
    hostOnly: !domain,
    expiresAt: expiry(attributes),
  }
}

// RFC 6265 §5.1.4
const defaultPath = (pathname: string): string => pathname.slice(0, pathname.lastIndexOf('/')) || '/'

function expiry(attributes: Map<string, string>): number {
  const maxAge = attributes.get('max-age')
  if (maxAge !== undefined && /^-?\d+$/.test(maxAge)) return Date.now() + Number(maxAge) * 1000
  const expires = Date.parse(attributes.get('expires') ?? '')
  return Number.isNaN(expires) ? Number.POSITIVE_INFINITY : expires
}
