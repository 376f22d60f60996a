import type { LaunchClient } from '../client/client.ts'
import { FhirAuthError } from '../errors.ts'
import { checkSecureUrl } from '../http/secure-url.ts'
import { RESPONSE_PARAMETERS } from '../oauth/authorization-response.ts'
import { refuseOption, requireText } from '../options.ts'

/** The redirect URIs of an app. Each registration may have its own. */
export interface RedirectUris {
  /** The one that determines the app's other paths. */
  readonly main: URL
  /** All their paths, as the browser sees them; the main one first. */
  readonly paths: readonly string[]
  /** The names of all their query parameters. */
  readonly parameterNames: ReadonlySet<string>
}

/** The address at which a callback arrived. */
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
  if (taken) refuseOption(`redirectUri must not have the parameter "${taken}": the server's response uses it.`)
  return url
}

/** @param clients - the listed ones; those of a function have the same path and parameter names as the main one */
export function collectRedirectUris(main: URL, clients: readonly LaunchClient[]): RedirectUris {
  const all = [main, ...clients.map(({ redirectUri }) => new URL(redirectUri))]
  return {
    main,
    paths: [...new Set(all.map(({ pathname }) => pathname))],
    parameterNames: new Set(all.flatMap(({ searchParams }) => [...searchParams.keys()])),
  }
}

/**
 * Checks the redirect URI of a registration from a function. Such registrations are not known at the start, so they must have
 * the same path and parameter names as the main redirect URI.
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
 * A callback must arrive at the redirect URI of its login, with the same path and parameters. Otherwise it may be the response
 * of another server (mix-up attack, RFC 9700 §4.4.2.2).
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
    `The callback came to another address than ${redirectUri}, the redirectUri of this login. It may be the response of another server (RFC 9700 §4.4). Start the login from the app again. If it happens again, compare redirectUri with what is registered at the server, and paths.callback with what a proxy strips.`,
  )
}

/** A redirect URI that several registrations share. */
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

/** Refuses a shared redirect URI of a public client: without a secret, only the redirect URI tells two servers apart. */
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
