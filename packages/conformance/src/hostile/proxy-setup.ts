import type { AppAnswer, Visitor } from '../visitor.ts'
import type { World } from '../world.ts'
import { logInAtHostile } from './hostile-login.ts'
import type { HostileServer } from './hostile-server.ts'

export const allow = [
  'GET Patient',
  'GET Observation',
  'POST Observation',
  'PUT Observation',
  'DELETE Observation',
  'POST /',
]
export const app = { registeredAt: 'hostile', proxy: { allow } } as const
export const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/fhir+json' }

interface LoggedIn {
  readonly hostile: HostileServer
  readonly browser: Visitor
  /** How many requests the server had got then. */
  readonly before: number
  /** Adds the token of this header to what must not appear in a response or a log line. */
  addToken(authorization?: string): void
}

export async function loggedIn({ hostile, visitor, addSecret }: World): Promise<LoggedIn> {
  const browser = visitor()
  await logInAtHostile(browser)
  const addToken = (authorization = '') => addSecret(authorization.replace('Bearer ', ''))
  return { hostile, browser, before: hostile.requests.length, addToken }
}

export function ownHeaders({ cookieHeader }: Visitor): Record<string, string> {
  return { cookie: cookieHeader, accept: 'application/json', 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' }
}

export function post(browser: Visitor, path: string, body: string, type = 'application/fhir+json'): Promise<AppAnswer> {
  return browser.ask(path, { method: 'POST', headers: { ...SAME_ORIGIN, 'content-type': type }, body })
}

export function postBundle(browser: Visitor, items: readonly unknown[]): Promise<AppAnswer> {
  return post(browser, '/fhir/', JSON.stringify({ resourceType: 'Bundle', type: 'batch', entry: items }))
}

export function entry(method: string, url: string): { request: { method: string; url: string } } {
  return { request: { method, url } }
}
