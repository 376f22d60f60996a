import type { LaunchClient } from '../client/client.ts'
import { FhirAuthError } from '../errors.ts'
import { checkSecureUrl } from '../http/secure-url.ts'
import { RESPONSE_PARAMETERS } from '../oauth/authorization-response.ts'
import { refuseOption, requireText } from '../options.ts'

/** The redirect URIs of an app: its registrations may have one each. */
export interface RedirectUris {
  /** The one that the app's other paths are made from. */
  readonly main: URL
  /** All their paths, as the browser sees them; the main one first. */
  readonly paths: readonly string[]
  /** The names of parameters that any of them has. */
  readonly parameterNames: ReadonlySet<string>
}

/** Where a browser has come with the answer of an authorization server. */
export interface CallbackAddress {
  /** As the browser sees it. */
  readonly path: string
  readonly query: URLSearchParams
}

/** @throws `invalid_option`, `insecure_url` */
export function checkRedirectUri(value: string | undefined): URL {
  const remedy = "Write the app's callback URL exactly as registered, e.g. 'https://portal.example.com/callback'."
  const url = checkSecureUrl(requireText(value, 'redirectUri', remedy), 'redirectUri')
  if (url.hash) refuseOption('redirectUri must have no fragment (RFC 6749 §3.1.2).')
  const taken = RESPONSE_PARAMETERS.find((name) => url.searchParams.has(name))
  if (taken) refuseOption(`redirectUri must not have the parameter "${taken}": the server's answer has one.`)
  return url
}

/** @param clients - those that are listed: with a function, each registration has the path and the names of the main one */
export function collectRedirectUris(main: URL, clients: readonly LaunchClient[]): RedirectUris {
  const all = [main, ...clients.map(({ redirectUri }) => new URL(redirectUri))]
  return {
    main,
    paths: [...new Set(all.map(({ pathname }) => pathname))],
    parameterNames: new Set(all.flatMap(({ searchParams }) => [...searchParams.keys()])),
  }
}

/**
 * A registration that a function gives is not known at the start. So its callback comes to the path that is, and any
 * other registration's parameters are told from its own.
 *
 * @throws `invalid_option`
 */
export function checkResolvedRedirectUri(redirectUri: URL, main: URL, owner: string): void {
  const namesOf = ({ searchParams }: URL) => JSON.stringify([...searchParams.keys()].sort())
  if (redirectUri.pathname === main.pathname && namesOf(redirectUri) === namesOf(main)) return
  refuseOption(
    `${owner}: redirectUri may differ from the one beside registrations only in the values of its parameters, e.g. 'https://portal.example.com/callback?server=a'. List the registrations to give each its own path.`,
  )
}

/**
 * A callback counts only at the redirect URI that its login was sent with, path and parameters: what comes to another
 * one is the answer of another server (mix-up, RFC 9700 §4.4.2.2).
 *
 * @throws `redirect_uri_mismatch`
 */
export function checkCallbackAddress(
  { path, query }: CallbackAddress,
  redirectUri: string,
  parameterNames: ReadonlySet<string>,
): void {
  const expected = new URL(redirectUri)
  const isSame = (name: string) =>
    JSON.stringify(query.getAll(name)) === JSON.stringify(expected.searchParams.getAll(name))
  const names = new Set([...parameterNames, ...expected.searchParams.keys()])
  if (path === expected.pathname && [...names].every(isSame)) return
  throw new FhirAuthError(
    'redirect_uri_mismatch',
    `The callback came to another address than ${redirectUri}, which this login was sent with. It may be the answer of another server (RFC 9700 §4.4). Start the login from the app again; where it stays, compare redirectUri with what the server has registered, and paths.callback with what a proxy strips.`,
  )
}

/** A redirect URI that several registrations have. */
export interface SharedRedirectUri {
  readonly redirectUri: string
  readonly clients: readonly LaunchClient[]
}

export function sharedRedirectUris(clients: readonly LaunchClient[]): SharedRedirectUri[] {
  const byAddress = new Map<string, LaunchClient[]>()
  for (const client of clients) {
    const { href } = new URL(client.redirectUri)
    byAddress.set(href, [...(byAddress.get(href) ?? []), client])
  }
  return [...byAddress]
    .map(([redirectUri, those]) => ({ redirectUri, clients: those }))
    .filter((shared) => shared.clients.length > 1)
}

/** Nothing but its redirect URI tells the answers of two servers apart, and a public client has no secret that does. */
export function refuseSharedByPublic({ redirectUri, clients }: SharedRedirectUri): void {
  const publicOne = clients.find(({ clientAuth }) => clientAuth.method === 'none')
  if (publicOne === undefined) return
  refuseOption(
    `registrations: ${redirectUri} is the redirectUri of several servers, and the client of ${publicOne.fhirBaseUrl} is public. One server could get the codes of another (RFC 9700 §4.4). Register a redirectUri for each, such as ${withExample(redirectUri)}, or accept the risk with allowSharedRedirectUri: true.`,
  )
}

function withExample(redirectUri: string): string {
  const url = new URL(redirectUri)
  url.searchParams.set('server', 'a')
  return url.href
}
