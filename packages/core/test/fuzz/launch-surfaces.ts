import fc from 'fast-check'
import { createFhirGuard, findContext } from '../../src/adapter.ts'
import { createSmartLaunch, publicClient, type SmartLaunch } from '../../src/index.ts'
import { spoilt, spoiltObject, trickyText } from './hostile-inputs.ts'
import type { Surface } from './surface.ts'

const SERVER = 'https://ehr.example'
const BASE = `${SERVER}/fhir`
const APP = 'https://portal.example'
const TOKEN = { access_token: 'an-access-token', token_type: 'Bearer', expires_in: 300, scope: 'patient/*.rs' }
const CONTEXT = { patient: 'p1', encounter: 'e1', need_patient_banner: true, intent: 'x', fhirContext: [], tenant: 't' }

/** An app at one server, whose token endpoint answers with this text; it notes where requests went. */
function startApp() {
  const asked: string[] = []
  const world = { tokenText: JSON.stringify({ ...TOKEN, ...CONTEXT }) }
  const launch = createSmartLaunch({
    fhirBaseUrl: BASE,
    clientId: 'portal',
    clientAuth: publicClient(),
    redirectUri: `${APP}/callback`,
    scope: 'launch/patient patient/*.rs',
    session: { secret: crypto.randomUUID() + crypto.randomUUID() },
    metadata: { issuer: SERVER, authorization_endpoint: `${SERVER}/authorize`, token_endpoint: `${SERVER}/token` },
    fetch: async (input) => {
      asked.push(String(input))
      return new Response(world.tokenText)
    },
    log: false,
  })
  return { launch, asked, world }
}

const pairsOf = (cookies: readonly string[]) => cookies.map((text) => text.split(';')[0] ?? '')

function send(launch: SmartLaunch, url: string, headers: Record<string, string | undefined> = {}) {
  return launch.answer({ method: 'GET', url, header: (name) => headers[name] })
}

function contextOf(launch: SmartLaunch, headers: Record<string, string | undefined>, url = '/') {
  return launch.contextFor({ method: 'GET', url, header: (name) => headers[name] })
}

async function begin(launch: SmartLaunch) {
  const { cookies, headers } = await send(launch, '/login')
  const { searchParams } = new URL(headers.location ?? '')
  return { cookie: pairsOf(cookies).join('; '), state: searchParams.get('state') ?? '' }
}

async function logIn(launch: SmartLaunch): Promise<string> {
  const { cookie, state } = await begin(launch)
  const { cookies } = await send(launch, `/callback?code=c&state=${state}`, { cookie })
  return pairsOf(cookies).find((pair) => pair.includes('session=') && !pair.endsWith('=')) ?? ''
}

const isPlain = (value: string) => /^[\t\x20-\x7e]*$/.test(value)

/** @returns what is wrong with an answer's headers: none may be planted, none may lead elsewhere */
function headerGain({ headers, cookies }: Awaited<ReturnType<typeof send>>, origins: readonly string[]) {
  for (const value of [...Object.values(headers), ...cookies]) if (!isPlain(value)) return 'a header'
  const { location } = headers
  if (location !== undefined && !origins.includes(new URL(location, APP).origin)) return 'a redirect elsewhere'
  return undefined
}

export async function launchSurfaces() {
  const { launch, asked } = startApp()
  const pending = await begin(launch)
  const session = await logIn(launch)
  const name = session.slice(0, session.indexOf('='))
  const guard = createFhirGuard()

  const callback: Surface<[string, string][]> = {
    name: 'callback',
    inputs: fc.array(
      fc.oneof(
        fc.tuple(
          fc.constantFrom('state', 'code', 'iss', 'error', 'error_description', 'error_uri', '__proto__'),
          trickyText,
        ),
        spoilt(pending.state).map((state): [string, string] => ['state', state]),
      ),
      { maxLength: 6 },
    ),
    async gain(parameters) {
      const before = asked.length
      const { cookie } = pending
      const answer = await send(launch, `/callback?${new URLSearchParams(parameters)}`, { cookie, accept: 'text/html' })
      if (asked.length > before) return 'an exchange of the code'
      if (answer.cookies.some((text) => text.startsWith(`${name}=`))) return 'a session'
      if (/<script|onerror=|href="javascript:/i.test(answer.body)) return 'markup'
      return headerGain(answer, [APP])
    },
  }
  const foreign: Surface<string> = {
    name: 'callback, of another issuer',
    inputs: fc.oneof(trickyText, spoilt(SERVER)),
    async gain(iss) {
      const { cookie, state } = await begin(launch)
      const before = asked.length
      await send(launch, `/callback?${new URLSearchParams({ code: 'c', state, iss })}`, { cookie })
      return asked.length > before ? 'an exchange of the code' : undefined
    },
  }
  const cookies: Surface<string> = {
    name: 'cookies',
    inputs: fc.oneof(
      spoilt(session.slice(name.length + 1)).map((value) => `a=b; ${name}=${value}`),
      spoilt(name).map((other) => `${other.replaceAll(';', '')}${session.slice(name.length)}`),
      trickyText.map((text) => `${text.replaceAll(';', '')} ${session}`).filter((text) => text.trim() !== session),
    ),
    // The whole pair after another one is the cookie itself.
    gain: async (cookie) =>
      cookie.split(';').some((pair) => pair.trim() === session) || !(await contextOf(launch, { cookie }))
        ? undefined
        : 'a session',
  }
  const referer: Surface<string> = {
    name: 'Referer and launch id',
    inputs: fc.oneof(
      trickyText,
      trickyText.map((id) => `${APP}/page?${new URLSearchParams({ launch_id: id })}`),
      spoilt(`${APP}/page?launch_id=a`),
    ),
    async gain(text) {
      const headers: Record<string, string> = {
        ...{ cookie: session, referer: text, 'fhir-launch-id': text },
        ...{ accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'same-origin' },
      }
      const request = { method: 'GET', url: '/guarded', header: (header: string) => headers[header] }
      const refusal = guard(await findContext(launch, request, undefined), request)
      return refusal && headerGain(refusal, [APP])
    },
  }
  const launches: Surface<string> = {
    name: 'launch parameters',
    inputs: fc
      .tuple(fc.oneof(spoilt(BASE), trickyText), trickyText, fc.constantFrom('/launch', '/login'), trickyText)
      .map(([iss, handle, path, returnTo]) => `${path}?${new URLSearchParams({ iss, launch: handle, returnTo })}`),
    async gain(url) {
      const before = asked.length
      const answer = await send(launch, url, { accept: 'text/html' })
      return asked.length > before ? 'a request' : headerGain(answer, [APP, SERVER])
    },
  }
  const returnTo: Surface<string> = {
    name: 'returnTo',
    inputs: trickyText.map((text) => `/${text}`),
    async gain(text) {
      const login = await send(launch, `/login?${new URLSearchParams({ returnTo: text })}`)
      const state = new URL(login.headers.location ?? '').searchParams.get('state')
      const cookie = pairsOf(login.cookies).join('; ')
      const answer = await send(launch, `/callback?code=c&state=${state}`, { cookie })
      return answer.status === 303 ? headerGain(answer, [APP]) : 'a login that fails'
    },
  }
  const tokenResponse: Surface<string> = {
    name: 'token response',
    inputs: spoiltObject({ ...TOKEN, ...CONTEXT, refresh_token: 'r', planted: true }),
    async gain(text) {
      const own = startApp()
      own.world.tokenText = text
      const cookie = await logIn(own.launch)
      const fhir = cookie === '' ? undefined : await contextOf(own.launch, { cookie })
      if (fhir === undefined) return undefined
      if (!/^[\x21-\x7e]+$/.test(fhir.accessToken)) return 'a token that breaks its header'
      for (const id of [fhir.patient, fhir.encounter]) {
        if (id !== undefined && !/^[A-Za-z0-9\-.]{1,64}$/.test(id)) return 'an id that changes a URL'
        if (id === '.' || id === '..') return 'an id that changes a URL'
      }
      return Number.isSafeInteger(fhir.expiresAt) ? undefined : 'a token without an end'
    },
  }
  return [callback, foreign, cookies, referer, launches, returnTo, tokenResponse]
}
