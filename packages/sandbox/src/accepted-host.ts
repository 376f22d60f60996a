/**
 * Whether a request's `Host` names this sandbox. With DNS rebinding, a page of another site sends that site's name, and must
 * not be able to read anything.
 *
 * @param header - the `Host` header
 * @param listening - the address or name that the sandbox was told to listen on
 */
export function isAcceptedHost(header: string | undefined, listening: string): boolean {
  const hostname = hostnameOf(header ?? '')
  if (hostname === undefined) return false
  if (isLoopbackName(hostname)) return true
  // On every interface, any IP address is accepted, because it cannot be rebound, but no name.
  if (listening === '0.0.0.0' || listening === '::') return isAddress(hostname)
  return hostname === hostnameOf(listening.includes(':') ? `[${listening}]` : listening)
}

/** Whether a `Host` header names this machine itself. */
export function isLoopbackHost(header: string | undefined): boolean {
  const hostname = hostnameOf(header ?? '')
  return hostname !== undefined && isLoopbackName(hostname)
}

/** Names that always mean this machine (RFC 6761 §6.3), and its loopback addresses. */
function isLoopbackName(hostname: string): boolean {
  return /^(?:(?:.+\.)?localhost\.?|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname)
}

const isAddress = (hostname: string): boolean => /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:.]+\])$/.test(hostname)

/** The name in the form that browsers compare, without the port. Undefined if it is not a valid name. */
function hostnameOf(header: string): string | undefined {
  if (!/^[\w.:[\]-]+$/.test(header) || !URL.canParse(`http://${header}`)) return undefined
  return new URL(`http://${header}`).hostname
}
