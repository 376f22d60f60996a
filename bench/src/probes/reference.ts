const SESSIONS = 1000
const ID_LENGTH = 43
const NAME = '__Host-session='

/**
 * What no session middleware can do without: one look at the clock, one header read, and one `Map` lookup by an id that is
 * cut out of the header, so that the engine has never seen it as this string. Goals are ratios to it, since a nanosecond
 * means something else on each machine.
 */
export function createReference(): () => boolean {
  const sessions = new Map<string, { expiresAt: number }>()
  for (let i = 0; i < SESSIONS; i++) sessions.set(idOf(i), { expiresAt: Date.now() + 86_400_000 })
  const headers = { host: 'portal.example.com', cookie: `theme=dark; ${NAME}${idOf(SESSIONS / 2)}; lang=en` }
  return () => {
    const { cookie } = headers
    const start = cookie.indexOf(NAME) + NAME.length
    const session = sessions.get(cookie.slice(start, start + ID_LENGTH))
    return session !== undefined && session.expiresAt > Date.now()
  }
}

function idOf(number: number): string {
  return String(number).padStart(ID_LENGTH, 'x')
}
