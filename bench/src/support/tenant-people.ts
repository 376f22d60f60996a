import { Agent, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Tenant {
  readonly app: string
  readonly fhirBaseUrl: string
  readonly clientId: string
}

interface Reply {
  readonly status: number
  readonly location: string | undefined
  readonly cookies: readonly string[]
  readonly milliseconds: number
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 })

export function ask(url: string, cookie = ''): Promise<Reply> {
  const startedAt = performance.now()
  return new Promise((resolve, reject) => {
    get(url, { agent, headers: { cookie, accept: 'application/json' } }, (response) => {
      response.resume()
      response.on('error', reject)
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          location: response.headers.location,
          cookies: (response.headers['set-cookie'] ?? []).map((line) => line.split(';', 1)[0] ?? ''),
          milliseconds: performance.now() - startedAt,
        }),
      )
    }).on('error', reject)
  })
}

/** Logs in by the two requests that a browser would make. Undefined if the login fails, as it may at a hostile server. */
export async function logIn({ app, fhirBaseUrl, clientId }: Tenant): Promise<string | undefined> {
  const { location = '', cookies } = await ask(`${app}/login?iss=${encodeURIComponent(fhirBaseUrl)}`)
  if (!URL.canParse(location)) return undefined
  const state = new URL(location).searchParams.get('state') ?? ''
  const query = new URLSearchParams({ code: crypto.randomUUID(), state })
  const callback = await ask(`${app}/callback-${clientId}?${query}`, cookies.join('; '))
  return callback.cookies.find((pair) => pair.includes('session='))
}

/** Calls `act` so many times a second, whether the ones before have been answered or not. */
export async function atRate(
  perSecond: number,
  seconds: number,
  act: (count: number) => Promise<unknown>,
): Promise<void> {
  const startedAt = performance.now()
  const running: Promise<unknown>[] = []
  for (let count = 0; count < perSecond * seconds; ) {
    const due = Math.min(perSecond * seconds, ((performance.now() - startedAt) / 1000) * perSecond)
    for (; count < due; count++) running.push(act(count))
    await sleep(2)
  }
  await Promise.all(running)
}
