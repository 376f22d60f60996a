import type { AdapterRequest } from '../web/adapter-contract.ts'

/**
 * Whether a request came to the host of the app, by its headers. A client can forge these headers, so this is used only to
 * explain why a cookie is missing.
 */
export function isAtOwnHost(request: AdapterRequest, origin: string): boolean {
  const { host, hostname, protocol } = new URL(origin)
  const named = [request.header('host'), ...(request.header('x-forwarded-host')?.split(',') ?? [])]
  const hosts = named.flatMap((name) => (name === undefined ? [] : [name.trim().toLowerCase()]))
  const own = [host, `${hostname}:${protocol === 'https:' ? 443 : 80}`]
  return hosts.length === 0 || hosts.some((name) => own.includes(name))
}
