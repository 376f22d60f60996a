import { readBasic } from '../basic-header.ts'
import { decodeJwt } from '../client-assertion-rules.ts'
import type { Exchange } from './exchange.ts'
import type { SecretKind, SecretNames } from './secret-names.ts'
import type { Shown, ShownJwt, Step } from './step.ts'

const SECRET_PARAMETERS: Readonly<Record<string, SecretKind>> = {
  code: 'code',
  code_verifier: 'code verifier',
  client_secret: 'client secret',
  client_assertion: 'assertion',
  refresh_token: 'refresh token',
  access_token: 'access token',
  id_token: 'id_token',
  id_token_hint: 'id_token',
  token: 'access token',
  launch: 'launch',
  password: 'secret',
}

/** Headers that say something about SMART. */
const TELLING_HEADERS = ['authorization', 'accept', 'content-type', 'origin', 'user-agent']
const TELLING_ANSWER_HEADERS = ['content-type', 'location', 'cache-control', 'www-authenticate', 'retry-after', 'etag']

const MOST_CHARACTERS = 2000
/** Of a table. Nothing of SMART has as many. */
const MOST_ROWS = 60

/** An exchange in the form that the page shows. No secret is in it. */
export function describeStep(
  exchange: Exchange,
  names: SecretNames,
  { id, flow, title }: { id: number; flow: string; title: string },
): Omit<Step, 'verdicts'> {
  const { request, status, headers, durationMs } = exchange
  const sent = [...request.query, ...request.form].slice(0, MOST_ROWS)
  const answered = membersOf(exchange.body).slice(0, MOST_ROWS)
  // First all names, and then the texts, in which any of the secrets may stand.
  const parameters = sent.map(([name, value]) => shown(name, value, names))
  const answer = answered.map(([name, value]) => shown(name, value, names))
  const requestHeaders = shownHeaders(request.headers, TELLING_HEADERS, names)
  const answerHeaders = shownHeaders(headers, TELLING_ANSWER_HEADERS, names)
  const jwts = [...sent, ...answered].flatMap(([name, value]) => jwtOf(name, value))
  // Cut off last: half a secret would not be found.
  const text = (value: string) => names.hide(value).slice(0, MOST_CHARACTERS)
  const hidden = (rows: readonly Shown[]) => rows.map(([name, value]): Shown => [text(name), text(value)])
  return {
    id,
    time: request.time,
    durationMs,
    flow: text(flow),
    title: text(title),
    method: request.method,
    url: text(request.path),
    status,
    parameters: hidden(parameters),
    headers: hidden(requestHeaders),
    answer: hidden(answer),
    answerHeaders: hidden(answerHeaders),
    jwts: jwts.map((jwt) => ({ ...jwt, header: hidden(jwt.header), claims: hidden(jwt.claims) })),
  }
}

function shown(name: string, value: string, names: SecretNames): Shown {
  const kind = Object.hasOwn(SECRET_PARAMETERS, name) ? SECRET_PARAMETERS[name] : undefined
  // A JWT under any other name is no less of a secret.
  const isSecret = kind !== undefined || decodeJwt(value) !== undefined
  return [name, isSecret ? names.nameOf(kind ?? 'assertion', value) : value]
}

/** The members of a JSON answer; a web page or a resource has none that are worth a row. */
function membersOf(body: string): [name: string, value: string][] {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return []
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  const members = Object.entries(value)
  if ('resourceType' in value) {
    return members
      .filter(([name]) => ['resourceType', 'id', 'total', 'type', 'issue'].includes(name))
      .map(([name, member]) => [name, textOf(member)])
  }
  return members.map(([name, member]) => [name, textOf(member)])
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function jwtOf(name: string, value: string): ShownJwt[] {
  const jwt = decodeJwt(value)
  if (jwt === undefined) return []
  const rows = (members: object) =>
    Object.entries(members)
      .slice(0, MOST_ROWS)
      .map(([key, member]): Shown => [key, textOf(member)])
  return [{ name, header: rows(jwt.header), claims: rows(jwt.claims) }]
}

function shownHeaders(
  headers: Readonly<Record<string, string>>,
  telling: readonly string[],
  names: SecretNames,
): Shown[] {
  const rows: Shown[] = []
  for (const name of telling) {
    const value = headers[name]
    if (value !== undefined) rows.push([name, headerValue(name, value, names)])
  }
  return rows
}

function headerValue(name: string, value: string, names: SecretNames): string {
  if (name === 'authorization') {
    const basic = readBasic(value)
    if (basic) return `Basic ${basic.clientId}:${names.nameOf('client secret', basic.clientSecret)}`
    const [scheme = '', token = ''] = value.split(' ')
    return token === '' ? names.nameOf('secret', value) : `${scheme} ${names.nameOf('access token', token)}`
  }
  if (name === 'location' && URL.canParse(value)) {
    const url = new URL(value)
    const params = [...url.searchParams].map(([key, member]) => shown(key, member, names).join('='))
    return `${url.origin}${url.pathname}${params.length > 0 ? `?${params.join('&')}` : ''}`
  }
  return value
}
