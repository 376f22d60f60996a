import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createCookieJar } from '../src/cookie-jar.ts'
import { createUserAgent } from '../src/index.ts'

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const app = new URL('https://app.example/auth/login')
function jarWith(...lines: string[]) {
  const jar = createCookieJar()
  jar.store(app, lines)
  return jar
}
const sent = (jar: ReturnType<typeof createCookieJar>, url: string, method = 'GET', initiator?: string) =>
  jar.headerFor(new URL(url), method, initiator === undefined ? undefined : new URL(initiator))

test('a cookie goes to its host and path only, whatever the port', () => {
  const jar = jarWith('root=1; Path=/', 'deep=2; Path=/auth', 'implied=3')
  expect(sent(jar, 'https://app.example/auth/x')?.split('; ').sort()).toEqual(['deep=2', 'implied=3', 'root=1'])
  expect(sent(jar, 'https://app.example:8443/authority')).toBe('root=1')
  expect(sent(jar, 'https://other.example/')).toBeUndefined()
  expect(sent(jar, 'https://sub.app.example/')).toBeUndefined()
})

test('a domain cookie goes to subdomains; a foreign domain is refused', () => {
  const jar = jarWith('wide=1; Domain=app.example; Path=/', 'foreign=2; Domain=other.example; Path=/')
  expect(sent(jar, 'https://sub.app.example/')).toBe('wide=1')
  expect(jar.cookies).toHaveLength(1)
})

test('Secure cookies stay off http, but for loopback', () => {
  const jar = createCookieJar()
  for (const host of ['127.0.0.1:3000', 'localhost:3000', 'app.example']) {
    jar.store(new URL(`http://${host}/`), ['s=1; Secure; Path=/'])
  }
  expect(jar.cookies.map(({ domain }) => domain).sort()).toEqual(['127.0.0.1', 'localhost'])
  expect(sent(jar, 'http://127.0.0.1:4000/')).toBe('s=1')
  expect(sent(jarWith('s=1; Secure; Path=/'), 'http://app.example/')).toBeUndefined()
})

test('SameSite: across sites Lax follows links, Strict does not, None goes everywhere', () => {
  const jar = jarWith(
    'lax=1; SameSite=Lax; Path=/',
    'strict=2; SameSite=Strict; Path=/',
    'none=3; SameSite=None; Secure; Path=/',
  )
  expect(sent(jar, app.href, 'GET', 'https://ehr.test/')).toBe('lax=1; none=3')
  expect(sent(jar, app.href, 'POST', 'https://ehr.test/')).toBe('none=3')
  expect(sent(jar, app.href, 'POST', 'https://www.app.example/')).toBe('lax=1; strict=2; none=3')
})

test('what a browser refuses is refused', () => {
  expect(
    jarWith(
      'a=1; SameSite=None',
      '__Host-b=1; Secure; Path=/auth',
      '__Host-c=1; Path=/',
      '__Host-d=1; Secure; Path=/; Domain=app.example',
      '__Secure-e=1',
      'f=1; Partitioned',
      '=g',
    ).cookies,
  ).toEqual([])
  expect(jarWith('__Host-ok=1; Secure; HttpOnly; SameSite=None; Partitioned; Path=/').cookies).toEqual([
    {
      name: '__Host-ok',
      value: '1',
      domain: 'app.example',
      path: '/',
      secure: true,
      httpOnly: true,
      sameSite: 'None',
      partitioned: true,
    },
  ])
})

test('a cookie is replaced, and ends by Max-Age or Expires', () => {
  const jar = jarWith('a=1; Path=/', 'a=2; Path=/', 'b=1; Path=/; Max-Age=60', 'c=1; Path=/')
  jar.store(app, ['b=; Path=/; Max-Age=0', 'c=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT'])
  expect(sent(jar, app.href)).toBe('a=2')
})

test('redirects are followed with cookies; 303 turns a post into a get, 307 does not', async () => {
  const seen: string[] = []
  const port = await serve((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.cookie ?? '-'}`)
    const next: Record<string, [number, string]> = { '/start': [307, '/again'], '/again': [303, '/end'] }
    const [status, location] = next[request.url ?? ''] ?? [200, undefined]
    response.writeHead(status, {
      'set-cookie': `at=${request.url?.slice(1)}; Path=/`,
      ...(location ? { location } : {}),
    })
    response.end('done')
  })
  const browser = createUserAgent()
  const response = await browser.visit(`http://127.0.0.1:${port}/start`, {
    method: 'POST',
    body: new URLSearchParams({ a: '1' }),
  })
  expect(await response.text()).toBe('done')
  expect(seen).toEqual(['POST /start -', 'POST /again at=start', 'GET /end at=again'])
  expect(browser.history.map(({ status, location }) => [status, location])).toEqual([
    [307, '/again'],
    [303, '/end'],
    [200, undefined],
  ])
})

test('a loop of redirects ends; request follows none', async () => {
  const port = await serve((_request, response) => response.writeHead(302, { location: '/' }).end())
  const browser = createUserAgent()
  expect((await browser.request(`http://127.0.0.1:${port}/`)).status).toBe(302)
  await expect(browser.visit(`http://127.0.0.1:${port}/`)).rejects.toThrow(/more than 20 redirects/)
})

test('a page is asked for as a browser does when it navigates; headers that are given go out as they are', async () => {
  const port = await serve((request, response) => {
    const { accept, host, cookie, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest } = request.headers
    response.end(JSON.stringify({ accept, host, cookie, mode, dest, length: request.headers['content-length'] }))
  })
  const browser = createUserAgent()
  const url = `http://127.0.0.1:${port}/`
  expect(await (await browser.request(url)).json()).toEqual({
    accept: expect.stringMatching(/^text\/html,/),
    host: `127.0.0.1:${port}`,
    mode: 'navigate',
    dest: 'document',
  })
  const headers = { accept: 'application/json', 'sec-fetch-mode': 'cors', host: 'made-up.example', cookie: 'a=b' }
  expect(await (await browser.request(url, { method: 'POST', body: 'é', headers })).json()).toEqual({
    accept: 'application/json',
    host: 'made-up.example',
    cookie: 'a=b',
    mode: 'cors',
    dest: 'document',
    length: '2',
  })
})

test('every answer is in the history whole, and a response knows its URL', async () => {
  const port = await serve((_request, response) => {
    response.writeHead(201, 'Made', { 'set-cookie': ['a=1', 'b=2'], 'content-type': 'text/plain' }).end('grün')
  })
  const browser = createUserAgent()
  const response = await browser.request(`http://127.0.0.1:${port}/x`)
  expect([response.status, response.statusText, response.url]).toEqual([201, 'Made', `http://127.0.0.1:${port}/x`])
  const [visit] = browser.history
  expect(visit).toMatchObject({ method: 'GET', url: response.url, status: 201, location: undefined, body: 'grün' })
  expect(visit?.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
})

test('signIn stops before a URL that it is told of, and returns the redirect to it', async () => {
  const port = await serve((request, response) => {
    const next = request.url === '/start' ? '/middle' : '/callback?code=1'
    response.writeHead(302, { location: next }).end()
  })
  const browser = createUserAgent()
  const stopBefore = `http://127.0.0.1:${port}/callback`
  const response = await browser.signIn(`http://127.0.0.1:${port}/start`, { stopBefore })
  expect([response.status, response.headers.get('location')]).toEqual([302, '/callback?code=1'])
  expect(browser.history).toHaveLength(2)
})

test('a request ends when its signal says so, and fails where nobody listens', async () => {
  const port = await serve(() => {})
  const browser = createUserAgent()
  const signal = AbortSignal.abort()
  await expect(browser.request(`http://127.0.0.1:${port}/`, { signal })).rejects.toThrow(/abort/i)
  await expect(browser.request('http://127.0.0.1:1/')).rejects.toThrow(/ECONNREFUSED/)
})

test("signIn leaves other people's forms alone", async () => {
  const form = '<form method="post" action="/interaction/x"><input type="hidden" name="a" value="b"></form>'
  const port = await serve((_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(form))
  const browser = createUserAgent()
  expect(await (await browser.signIn(`http://127.0.0.1:${port}/`)).text()).toBe(form)
  expect(browser.history).toHaveLength(1)
})
